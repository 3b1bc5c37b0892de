"""The data of a campaign's figures by name, read from the store.

The dashboard, the report and notebooks draw the same numbers: `figure_data` has their types, FIGURES their names. Long
campaigns are downsampled so that size and memory are bounded (`nas_controller.store.downsampling`); `of` is the number
of points before downsampling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nas_controller.campaigns import block_importance, resource_shares
from nas_controller.campaigns.block_importance import Importance
from nas_controller.campaigns.figure_data import (
    CostReward,
    Curves,
    Entropy,
    Parallel,
    PolicyFigure,
    Progress,
    Widths,
    cost_reward,
    curves,
    entropy,
    policy,
    progress,
    widths,
)
from nas_controller.campaigns.finals_report import compared_trial
from nas_controller.campaigns.learned_policy import learned_policy
from nas_controller.campaigns.policy_history import policy_history, snapshot_at
from nas_controller.campaigns.resource_shares import Learned, Shares
from nas_controller.campaigns.search_health import SearchHealth, search_health
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import NotFoundError, Store, TrialRecord
from nas_controller.store.downsampling import Cost
from search_space.errors import InvalidValueError

MAX_CURVES = 8
POINTS = 1_500
MIN_POINTS, MAX_POINTS = 10, 5_000
MAX_STRANDS = 250
"""Trials of the parallel coordinates, besides the best ones."""


def _progress_of(store: Store, campaign_id: str, points: int) -> Progress:
    return progress(store.reads.sample_rewards(campaign_id, points))


def _madds_ap_of(store: Store, campaign_id: str, points: int) -> CostReward:
    return _cost_reward_of(store, campaign_id, "madds", points)


def _params_ap_of(store: Store, campaign_id: str, points: int) -> CostReward:
    return _cost_reward_of(store, campaign_id, "params", points)


def _latency_ap_of(store: Store, campaign_id: str, points: int) -> CostReward:
    return _cost_reward_of(store, campaign_id, "latency_ratio", points)


def _cost_reward_of(store: Store, campaign_id: str, unit: Cost, points: int) -> CostReward:
    return cost_reward(store.reads.sample_costs(campaign_id, unit, points), unit)


def _widths_of(store: Store, campaign_id: str, points: int) -> Widths:
    best = compared_trial(store, store.reads.get_campaign(campaign_id))
    record = None if best is None else store.reads.get_trial_record(campaign_id, best)
    return widths(_baseline(store, campaign_id), record)


def _policy_of(store: Store, campaign_id: str, points: int) -> PolicyFigure:
    return policy(learned_policy(store, campaign_id))


def policy_at(store: Store, campaign_id: str, told: int) -> PolicyFigure:
    """The policy after `told` rewards, or after the latest number below that has a snapshot; `told` says which.

    Raises NotFoundError, and HistoryPendingError while the search is being replayed.
    """
    current = learned_policy(store, campaign_id)
    if told >= current.told:
        return policy(current)
    found = snapshot_at(policy_history(store, campaign_id), told)
    return policy(current._replace(probabilities=found.probabilities, told=found.told))


def _entropy_of(store: Store, campaign_id: str, points: int) -> Entropy:
    return entropy(policy_history(store, campaign_id))


def _shares_of(store: Store, campaign_id: str, points: int) -> Shares:
    return resource_shares.shares(store, campaign_id)


def _learned_of(store: Store, campaign_id: str, points: int) -> Learned:
    return resource_shares.learned(store, campaign_id)


def _importance_of(store: Store, campaign_id: str, points: int) -> Importance:
    space = store.reads.get_campaign(campaign_id).spec.search_space.build()
    sampled = store.reads.sample_choices(campaign_id, block_importance.MAX_TRIALS)
    return block_importance.block_importance(space.searched_blocks, space.choices, sampled.even_rows, sampled.of)


def _parallel_of(store: Store, campaign_id: str, points: int) -> Parallel:
    campaign = store.reads.get_campaign(campaign_id)
    space = campaign.spec.search_space.build()
    sampled = store.reads.sample_choices(campaign_id, min(points, MAX_STRANDS))
    numbers, chosen, rewards = ([row[index] for row in sampled.rows] for index in range(3))
    best = campaign.best_known_trial if campaign.best_known_trial in numbers else None
    return Parallel(list(space.searched_blocks), list(space.choices), numbers, rewards, chosen, best, sampled.of)


def _curves_of(store: Store, campaign_id: str, points: int) -> Curves:
    """Curves of the baseline, the best and the latest trained trials: at most MAX_CURVES, which share the points."""
    best = [trial.number for trial in store.reads.best_trials(campaign_id)]
    wanted = dict.fromkeys([BASELINE_TRIAL, *best, *store.reads.latest_trained(campaign_id, MAX_CURVES)])
    numbers = list(wanted)[:MAX_CURVES]
    return curves(store.reads.sample_curves(campaign_id, numbers, max(1, points // len(numbers))))


def _search_of(store: Store, campaign_id: str, points: int) -> SearchHealth:
    return search_health(store, campaign_id)


FIGURES: dict[str, Callable[[Store, str, int], Any]] = {
    "search": _search_of,
    "progress": _progress_of,
    "madds-ap": _madds_ap_of,
    "params-ap": _params_ap_of,
    "latency-ap": _latency_ap_of,
    "widths": _widths_of,
    "shares": _shares_of,
    "learned": _learned_of,
    "policy": _policy_of,
    "entropy": _entropy_of,
    "importance": _importance_of,
    "parallel": _parallel_of,
    "curves": _curves_of,
}

PROGRESS_FIGURES = frozenset({"curves"})
"""The figures that show the progress of running trials; the others change only with an event."""


def figure(store: Store, campaign_id: str, name: str, points: int = POINTS, at: int | None = None) -> Any:
    """The figure `name` of a campaign as a named tuple, with about `points` points.

    `at` is for the policy: after so many rewards. Raises InvalidValueError (field `name`, `points` or `at`) for an
    unknown figure, for points outside MIN_POINTS to MAX_POINTS, and for `at` of another figure; NotFoundError for an
    unknown campaign; and HistoryPendingError while the search is being replayed.
    """
    if name not in FIGURES:
        raise InvalidValueError(f"there is no figure '{name}'; there are: {', '.join(FIGURES)}", field="name")
    if not MIN_POINTS <= points <= MAX_POINTS:
        raise InvalidValueError(
            f"points is {points}; it must be {MIN_POINTS} to {MAX_POINTS}", field="points", value=points
        )
    if at is None:
        return FIGURES[name](store, campaign_id, points)
    if name != "policy":
        raise InvalidValueError(f"at is {at}; only the figure policy has it, not {name}", field="at", value=at)
    return policy_at(store, campaign_id, at)


def compute(store: Store, campaign_id: str, name: str, points: int = POINTS, at: int | None = None) -> dict[str, Any]:
    """The figure as plain JSON values; raises what `figure` does."""
    document: dict[str, Any] = _plain(figure(store, campaign_id, name, points, at))
    return document


def _plain(value: Any) -> Any:
    """The value with every named tuple in it, or in its lists, as an object."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return [_plain(each) for each in value]
    return value


def _baseline(store: Store, campaign_id: str) -> TrialRecord | None:
    try:
        return store.reads.get_trial_record(campaign_id, BASELINE_TRIAL)
    except NotFoundError:
        store.reads.get_campaign(campaign_id)
        return None  # no trial has begun yet
