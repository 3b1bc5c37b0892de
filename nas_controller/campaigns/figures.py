"""The data of a campaign's figures: pure functions from samples and records to named tuples.

The dashboard, the report and notebooks draw the same numbers. `compute` reads the input of a figure from the store and
calls its function; FIGURES has the names. Long campaigns are downsampled so that size and memory are bounded
(`nas_controller.store.downsampling`); `of` is the number of points before downsampling.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nas_controller.campaigns.learned_policy import LearnedPolicy, learned_policy
from nas_controller.campaigns.search_health import SearchHealth, search_health
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import NotFoundError, Store, TrialRecord
from nas_controller.store.downsampling import Cost, Sampled
from nas_controller.store.downsampling import Curve as MeasuredCurve
from search_space.errors import InvalidValueError

MAX_CURVES = 8
POINTS = 1_500
MIN_POINTS, MAX_POINTS = 10, 5_000


class Progress(NamedTuple):
    """Rewards of finished trials by number, the best reward up to each trial, and that of the uniform baseline.

    A sample of `of` finished trials that contains every trial with a new best reward.
    """

    number: list[int]
    reward: list[float]
    best: list[float]
    repeated: list[bool]
    baseline: float | None
    of: int


class CostReward(NamedTuple):
    """Rewards of trained architectures against their cost (`unit` names it), and the baseline's point. The cost
    `latency_ratio` is the latency over the baseline's, of those whose latency was measured.

    A sample of `of` architectures that contains the best ones and the Pareto front. `front` has the numbers of the
    trials on it, by cost: those whose reward is above that of every other at the same or a smaller cost.
    """

    unit: str
    number: list[int]
    cost: list[float]
    reward: list[float]
    front: list[int]
    baseline_cost: float | None
    baseline_reward: float | None
    of: int


class Widths(NamedTuple):
    """Channels of each block, of the uniform baseline and of the best trial. `best` is None before the first reward."""

    block: list[int]
    baseline: list[int] | None
    best: list[int] | None
    best_number: int | None
    best_reward: float | None


class PolicyFigure(NamedTuple):
    """The policy's probability of each multiplier for each searched block [blocks][choices], after `told` rewards."""

    block: list[int]
    choices: list[float]
    probability: list[list[float]]
    told: int


class Curve(NamedTuple):
    """The learning curve of an attempt at some of its `of` measured steps; a series has None where it has no value."""

    number: int
    attempt: int
    step: list[int]
    series: dict[str, list[float | None]]
    of: int


class Curves(NamedTuple):
    """Learning curves of a few trials."""

    curves: list[Curve]


def progress(rewards: Sampled) -> Progress:
    """The progress, from rows (number, reward, reused_from). Failed trials have the reward 0."""
    best: list[float] = []
    for _, reward, _ in rewards.rows:
        best.append(max(reward, best[-1]) if best else reward)
    return Progress(
        [row[0] for row in rewards.rows],
        [row[1] for row in rewards.rows],
        best,
        [row[2] is not None for row in rewards.rows],
        rewards.baseline_reward,
        rewards.of,
    )


def cost_reward(costs: Sampled, unit: Cost) -> CostReward:
    """Cost and reward, from rows (number, cost, reward) of trained architectures."""
    numbers, spent, rewards = ([row[index] for row in costs.rows] for index in range(3))
    front, best = [], -1.0
    for number, _, reward in sorted(costs.rows, key=lambda row: (row[1], -row[2], row[0])):
        if reward > best:
            front.append(number)
            best = reward
    return CostReward(unit, numbers, spent, rewards, front, costs.baseline_cost, costs.baseline_reward, costs.of)


def widths(baseline: TrialRecord | None, best: TrialRecord | None) -> Widths:
    """The widths, from trial 0 and the best trial."""
    channels = None if baseline is None else list(baseline.widths)
    blocks = list(range(1, len(channels) + 1)) if channels else []
    if best is None:
        return Widths(blocks, channels, None, None, None)
    return Widths(blocks, channels, list(best.widths), best.number, best.reward)


def policy(learned: LearnedPolicy) -> PolicyFigure:
    """The policy figure, from the learned policy."""
    return PolicyFigure(
        list(learned.blocks), list(learned.choices), [list(row) for row in learned.probabilities], learned.told
    )


def curves(measured: Sequence[MeasuredCurve]) -> Curves:
    """The learning curves, from the measurements of attempts."""
    attempt_curves = []
    for curve in measured:
        names = sorted({name for point in curve.points for name in point.values})
        series = {name: [point.values.get(name) for point in curve.points] for name in names}
        attempt_curves.append(
            Curve(curve.trial, curve.attempt, [point.step for point in curve.points], series, curve.of)
        )
    return Curves(attempt_curves)


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
    best = store.reads.get_campaign(campaign_id).best_known_trial
    record = None if best is None else store.reads.get_trial_record(campaign_id, best)
    return widths(_baseline(store, campaign_id), record)


def _policy_of(store: Store, campaign_id: str, points: int) -> PolicyFigure:
    return policy(learned_policy(store, campaign_id))


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
    "policy": _policy_of,
    "curves": _curves_of,
}

PROGRESS_FIGURES = frozenset({"curves"})
"""The figures that show the progress of running trials; the others change only with an event."""


def compute(store: Store, campaign_id: str, name: str, points: int = POINTS) -> dict[str, Any]:
    """The figure `name` of a campaign as plain JSON values, with about `points` points.

    Raises InvalidValueError (field `name` or `points`) for an unknown figure and for points outside MIN_POINTS to
    MAX_POINTS, and NotFoundError for an unknown campaign.
    """
    if name not in FIGURES:
        raise InvalidValueError(f"there is no figure '{name}'; there are: {', '.join(FIGURES)}", field="name")
    if not MIN_POINTS <= points <= MAX_POINTS:
        raise InvalidValueError(
            f"points is {points}; it must be {MIN_POINTS} to {MAX_POINTS}", field="points", value=points
        )
    figure = FIGURES[name](store, campaign_id, points)
    document: dict[str, Any] = figure._asdict()
    if isinstance(figure, Curves):
        document["curves"] = [curve._asdict() for curve in figure.curves]
    return document


def _baseline(store: Store, campaign_id: str) -> TrialRecord | None:
    try:
        return store.reads.get_trial_record(campaign_id, BASELINE_TRIAL)
    except NotFoundError:
        store.reads.get_campaign(campaign_id)
        return None  # no trial has begun yet
