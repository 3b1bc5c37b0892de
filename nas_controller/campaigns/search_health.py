"""Whether a search still finds anything: how much of it is repetition, how sure its policy is, and for how long nothing
better has come.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from nas_controller.campaigns.learned_policy import learned_policy
from nas_controller.search.estimated_values import FEWEST, Rewarded, reward_noise
from nas_controller.search.plateau import is_on_plateau
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import CampaignRecord, EventRecord, NotFoundError, Store
from search_space.display import counted

LATELY = 50
"""Trials whose proposals are counted for `repeats_lately`."""
NOISE_TRIALS = 1_000
"""The newest trials that the noise is estimated from, at most."""
COLLAPSED_REPEATS = 0.9
"""A policy has collapsed once this share of its latest proposals are of known architectures."""
JUDGED_OUTCOMES = 20
"""The latest outcomes among which failed trials are counted."""
FAILING_SHARE = 0.25
"""A campaign is failing once this share of them are failures."""
_EVENTS_A_TRIAL = 4
_GAIN_ERROR = 1.96 * math.sqrt(2)
"""Of the noise of one reward: half the width of the 95 % interval of a difference of two."""


class SearchHealth(NamedTuple):
    """The health of a search.

    `distinct` architectures have a reward. `repeats_lately` is the share of known ones among the proposals for the
    latest trials, and `entropy` the mean entropy of the multipliers over the blocks, as a share of the largest possible
    one: 1 for a policy that has learned nothing, 0 for one that always proposes the same. `trials_since_best` have
    brought nothing better. `noise` is the standard deviation of what a reward has that similar architectures do not
    have, be it the luck of a training or the error of a slice, and `gain_error` the half width of the 95 % interval
    that it gives the difference of two rewards; null for fewer architectures than `noise_needs`, or where it cannot be
    told from 0. Neither says how far the proxy is from a full training. `failed_lately` of the latest `outcomes_lately`
    are failures, and `is_failing` says whether they are FAILING_SHARE of them or more.
    """

    distinct: int
    repeats_lately: float
    entropy: float
    trials_since_best: int
    is_on_plateau: bool
    has_collapsed: bool
    noise: float | None
    gain_error: float | None
    noise_needs: int
    outcomes_lately: int
    failed_lately: int
    is_failing: bool
    sentence: str


def search_health(store: Store, campaign_id: str) -> SearchHealth:
    """The health of a campaign's search. Raises NotFoundError and StoreUnavailableError."""
    campaign = store.reads.get_campaign(campaign_id)
    lately = latest_events(store, campaign)
    repeats, failures = repeats_share(lately), failures_of(lately)
    noise = _noise(store, campaign)
    distinct = store.reads.count_architectures(campaign_id)
    since = campaign.trials_since_best
    on_plateau = is_on_plateau(since, campaign.trials_finished)
    return SearchHealth(
        distinct=distinct,
        repeats_lately=round(repeats, 3),
        entropy=round(entropy_share(learned_policy(store, campaign_id).probabilities), 3),
        trials_since_best=since,
        is_on_plateau=on_plateau,
        has_collapsed=repeats >= COLLAPSED_REPEATS,
        noise=None if noise is None else round(noise, 6),
        gain_error=None if noise is None else round(_GAIN_ERROR * noise, 6),
        noise_needs=FEWEST,
        outcomes_lately=failures.outcomes,
        failed_lately=failures.failed,
        is_failing=failures.is_failing,
        sentence=_sentence(distinct, repeats, since, on_plateau),
    )


class Failures(NamedTuple):
    """How many of the latest outcomes are failures."""

    outcomes: int
    failed: int

    @property
    def is_failing(self) -> bool:
        """Whether so many are that something is wrong."""
        return self.failed > 0 and self.failed >= FAILING_SHARE * self.outcomes


def failures_of(events: Iterable[EventRecord]) -> Failures:
    """The failures among the latest outcomes of these events."""
    kinds = [event.kind for event in events if event.kind in ("trial.completed", "trial.failed")][-JUDGED_OUTCOMES:]
    return Failures(len(kinds), kinds.count("trial.failed"))


def has_collapsed(events: Iterable[EventRecord]) -> bool:
    """Whether the policy proposes little else than known architectures, by the latest events."""
    return repeats_share(events) >= COLLAPSED_REPEATS


def gain_error(store: Store, campaign: CampaignRecord) -> float | None:
    """Half the width of the 95 % interval of a difference of two rewards, as `SearchHealth` has it."""
    noise = _noise(store, campaign)
    return None if noise is None else _GAIN_ERROR * noise


def latest_events(store: Store, campaign: CampaignRecord) -> Sequence[EventRecord]:
    """The events of about the latest LATELY trials. Raises NotFoundError."""
    after = max(0, campaign.last_event - _EVENTS_A_TRIAL * LATELY)
    return store.reads.events_after(campaign.id, after, _EVENTS_A_TRIAL * LATELY)


def repeats_share(events: Iterable[EventRecord]) -> float:
    """The share of known architectures among the proposals of the `trial.begun` events; 0 without any."""
    begun = [event.data for event in events if event.kind == "trial.begun"][-LATELY:]
    skipped = sum(data.get("repeats", 0) for data in begun)
    repeated = skipped + sum(data.get("reused_from") is not None for data in begun)
    return repeated / (skipped + len(begun)) if begun else 0.0


def entropy_share(probabilities: Sequence[Sequence[float]]) -> float:
    """The mean entropy of the rows over that of a uniform row, 0 to 1."""
    shares = [sum(-p * math.log(p) for p in row if p > 0) / math.log(len(row)) for row in probabilities if len(row) > 1]
    return max(0.0, sum(shares) / len(shares)) if shares else 0.0


def _noise(store: Store, campaign: CampaignRecord) -> float | None:
    trained = [Rewarded(*row) for row in store.reads.newest_rewards(campaign.id, NOISE_TRIALS)]
    try:
        baseline = store.reads.get_trial_record(campaign.id, BASELINE_TRIAL)
    except NotFoundError:
        return None
    return reward_noise(trained, baseline.widths)


def _sentence(distinct: int, repeats: float, since: int, is_on_plateau: bool) -> str:
    """What to know in one line: `427 distinct architectures, 99 % repeats lately, nothing better for 2,514 trials`."""
    facts = [counted(distinct, "distinct architecture")]
    if repeats >= 0.05:
        facts.append(f"{repeats:.0%} repeats lately".replace("%", " %"))
    if is_on_plateau:
        facts.append(f"nothing better for {counted(since, 'trial')}")
    return ", ".join(facts)
