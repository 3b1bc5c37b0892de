"""Where the compute goes: the share of the multi-adds of each block and level, and what a search has learned of it.

Shares are of the multi-adds of the whole detector, as in the block diagram and in Figure 3 of the paper; those of the
stem and the head are left out, so shares do not add up to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from nas_controller.campaigns.finals_report import compared_trial
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import CampaignRecord, NotFoundError, Store
from search_space.architecture import Architecture
from search_space.cost import cost_report
from search_space.topology import BLOCKS, by_level

NAMED_POINTS, NAMED_SHARE = 1.0, 0.5
"""A level is named if it gains or loses at least so many points, and this share of the largest gain or loss."""


class LevelShare(NamedTuple):
    """The share of the multi-adds of the blocks of a level, 0 to 1; `points` is the best's minus the baseline's in
    percentage points.
    """

    level: int
    baseline_share: float
    best_share: float
    points: float


class Shares(NamedTuple):
    """The share of the multi-adds of each block, of the uniform baseline and of the best trial, and by level.

    The best is the `compared_trial`. `points` is the difference in percentage points. `best`, `points` and `levels` are
    null before the first reward.
    """

    block: list[int]
    level: list[int]
    baseline: list[float] | None
    best: list[float] | None
    points: list[float] | None
    levels: list[LevelShare]
    best_number: int | None
    best_reward: float | None


class Learned(NamedTuple):
    """What a search has learned about where compute should go, in one sentence, and its numbers by level."""

    sentence: str
    levels: list[LevelShare]


@lru_cache(maxsize=512)
def block_shares(architecture: Architecture) -> tuple[float, ...]:
    """The share of the multi-adds of each of the 18 blocks, 0 to 1."""
    report = cost_report(architecture)
    return tuple(block.madds / report.madds for block in report.blocks)


def trial_shares(store: Store, campaign: CampaignRecord, number: int) -> tuple[float, ...]:
    """The shares of the blocks of a trial. Raises NotFoundError."""
    space = campaign.spec.search_space.build()
    return block_shares(space.architecture(store.reads.get_trial_record(campaign.id, number).widths, "trial"))


def level_shares(baseline: Sequence[float], best: Sequence[float]) -> list[LevelShare]:
    """The shares by level, from those by block."""
    before, after = by_level(baseline), by_level(best)
    return [LevelShare(level, before[level], after[level], 100 * (after[level] - before[level])) for level in before]


def shares(store: Store, campaign_id: str) -> Shares:
    """The shares of a campaign's best trial and of its baseline. Raises NotFoundError."""
    campaign = store.reads.get_campaign(campaign_id)
    numbers, levels = [block.number for block in BLOCKS], [block.level for block in BLOCKS]
    try:
        baseline = trial_shares(store, campaign, BASELINE_TRIAL)
    except NotFoundError:
        return Shares(numbers, levels, None, None, None, [], None, None)  # no trial has begun yet
    number = compared_trial(store, campaign)
    if number is None:
        return Shares(numbers, levels, list(baseline), None, None, [], None, None)
    trial = store.reads.get_trial_record(campaign_id, number)
    best = trial_shares(store, campaign, trial.number)
    points = [100 * (after - before) for before, after in zip(baseline, best, strict=True)]
    by_level = level_shares(baseline, best)
    return Shares(numbers, levels, list(baseline), list(best), points, by_level, trial.number, trial.reward)


def learned(store: Store, campaign_id: str) -> Learned:
    """What a campaign has learned about where compute should go. Raises NotFoundError."""
    found = shares(store, campaign_id)
    campaign = store.reads.get_campaign(campaign_id)
    return Learned(learned_sentence(campaign, found.best_number, found.levels), found.levels)


def learned_sentence(campaign: CampaignRecord, trial: int | None, levels: Sequence[LevelShare]) -> str:
    """One sentence: `L2 gains 14 points of the multi-adds, L4 and L5 together lose 9 (trial 212, not confirmed by
    finals).` `levels` are those of `trial`, the `compared_trial`.
    """
    best = campaign.best_known_trial
    if best is None or trial is None:
        return "Nothing yet: there is no reward."
    if best != BASELINE_TRIAL:
        return f"{_changes(levels)} (trial {best}, {_certainty(campaign, best)})."
    ranked = "rewards" if trial == BASELINE_TRIAL else "finals"
    none = f"No better distribution than the uniform one was found: the {ranked} rank the baseline first"
    if trial == BASELINE_TRIAL:
        return f"{none}."
    return f"{none}. In their best candidate, trial {trial}: {_changes(levels)}."


def _changes(levels: Sequence[LevelShare]) -> str:
    """`L2 gains 14 points of the multi-adds, L4 and L5 together lose 9`."""
    gains, losses = _named(levels, 1), _named(levels, -1)
    parts = []
    if gains:
        parts.append(f"{_list(gains)} {_verb(gains, 'gain')} {_sum(gains)} of the multi-adds")
    if losses:
        unit = "" if gains else " of the multi-adds"
        parts.append(f"{_list(losses)} {_verb(losses, 'lose')} {_sum(losses, with_unit=not gains)}{unit}")
    return ", ".join(parts) or "No level's share of the multi-adds differs from the baseline's by a point"


def _certainty(campaign: CampaignRecord, best: int) -> str:
    if campaign.confirmed_winner == best:
        return "confirmed by finals"
    if campaign.finals is not None and campaign.finals.best == best:
        return "first in the finals, which leave open whether it is better"
    return "not confirmed by finals"


def _named(levels: Sequence[LevelShare], sign: int) -> list[LevelShare]:
    """The levels that gain (sign 1) or lose (-1) enough to be named, by level."""
    largest = max((sign * each.points for each in levels), default=0.0)
    least = max(NAMED_POINTS, NAMED_SHARE * largest)
    return [each for each in levels if sign * each.points >= least]


def _list(levels: Sequence[LevelShare]) -> str:
    *rest, last = (f"L{each.level}" for each in levels)
    return f"{', '.join(rest)} and {last}" if rest else last


def _verb(levels: Sequence[LevelShare], verb: str) -> str:
    return f"{verb}s" if len(levels) == 1 else f"together {verb}"


def _sum(levels: Sequence[LevelShare], *, with_unit: bool = True) -> str:
    points = round(abs(sum(each.points for each in levels)))
    unit = f" {'point' if points == 1 else 'points'}" if with_unit else ""
    return f"{points}{unit}"
