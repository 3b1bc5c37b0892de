"""What a sink shows of a campaign: a pure function from its events to entries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from nas_controller.entities import EventDocument
from nas_controller.states import BASELINE_TRIAL, EVENTS_OF_OUTCOMES, CampaignState

REWARD, BEST, BASELINE, TRIAL, ENTROPY = "reward/trial", "reward/best", "reward/baseline", "trial", "policy/entropy"
"""The scalars of an outcome; those of finals are `finals/gain`, `finals/gain_low` and `finals/gain_high`."""

_ENDS: dict[str, CampaignState] = {
    "campaign.completed": "completed",
    "campaign.stopped": "stopped",
    "campaign.failed": "failed",
}
_REOPENED = ("campaign.continued", "campaign.retried", "finals.started")


class Entry(NamedTuple):
    """What one event adds to a sink. `step` counts the finished trials before it, from 0, so that it only grows: it is
    the trial's number where trials finish in the order of their begin.

    An outcome has `scalars`. `about` names what else is to be shown: the specification, the finals' verdict, the best
    trial and the final `state`, or that the campaign goes on.
    """

    at: datetime
    step: int
    scalars: dict[str, float]
    about: Literal["specification", "outcome", "finals", "end", "reopened"] = "outcome"
    state: CampaignState = "running"
    best: int | None = None


@dataclass
class Sums:
    """What entries need of earlier events. `entropies` are of trials without an outcome, by number."""

    finished: int = 0
    baseline: float | None = None
    best: int | None = None
    best_reward: float | None = None
    best_params: int | None = None
    ranked_first: int | None = None
    is_claimed: bool = False
    has_ended: bool = False
    entropies: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The sums as JSON values, which `Sums(**values)` reads."""
        return asdict(self)


def entries_of(events: Iterable[EventDocument], sums: Sums, choices: int) -> Iterator[Entry]:
    """The entries of these events, which follow those of `sums`; `choices` is the number of a block's multipliers."""
    for event in events:
        entry = _entry_of(event, sums, choices)
        if entry is not None:
            yield entry


def _entry_of(event: EventDocument, sums: Sums, choices: int) -> Entry | None:
    data, at, step = event.data, event.at, max(0, sums.finished - 1)
    if event.kind == "trial.begun":
        entropy = sampled_entropy(data, choices)
        if entropy is not None:
            sums.entropies[str(data["number"])] = entropy
    elif event.kind in EVENTS_OF_OUTCOMES:
        return _outcome(event, sums)
    elif event.kind in ("campaign.claimed", "campaign.updated"):
        is_new = event.kind == "campaign.updated" or not sums.is_claimed
        sums.is_claimed = sums.is_claimed or event.kind == "campaign.claimed"
        return Entry(at, step, {}, "specification") if is_new and sums.is_claimed else None
    elif event.kind == "finals.completed":
        sums.ranked_first = data.get("best", data["winner"])  # an earlier version did not state it
        return Entry(at, step, {}, "finals", best=sums.ranked_first)
    elif event.kind in _ENDS and sums.is_claimed:
        sums.has_ended = True
        best = sums.best if sums.ranked_first is None else sums.ranked_first
        return Entry(at, step, {}, "end", _ENDS[event.kind], best)
    elif event.kind in _REOPENED and sums.has_ended:
        sums.has_ended = False
        return Entry(at, step, {}, "reopened")
    return None


def _outcome(event: EventDocument, sums: Sums) -> Entry:
    data = event.data
    number, reward, step = data["number"], data["reward"], sums.finished
    sums.finished += 1
    if event.kind == "trial.completed":
        if number == BASELINE_TRIAL:
            sums.baseline = reward
        params: float = data.get("params", math.inf)  # an earlier version did not state them
        best = (-1.0, 0.0) if sums.best_reward is None else (sums.best_reward, -(sums.best_params or math.inf))
        if (reward, -params) > best:
            sums.best, sums.best_reward, sums.best_params = number, reward, data.get("params")
    values = {
        REWARD: reward,
        BEST: sums.best_reward,
        BASELINE: sums.baseline,
        TRIAL: float(number),
        ENTROPY: sums.entropies.pop(str(number), None),
    }
    return Entry(event.at, step, {name: value for name, value in values.items() if value is not None})


def sampled_entropy(proposal: dict[str, Any], choices: int) -> float | None:
    """The entropy of the policy that made a proposal, as a share of the largest possible one, estimated from the one
    sample that the proposal is: minus its log-probability, whose expectation is the entropy. None without a policy.
    """
    sampled, log_probability = proposal.get("choices"), proposal.get("log_probability")
    if not sampled or log_probability is None or choices < 2:
        return None
    return float(-log_probability / (len(sampled) * math.log(choices)))
