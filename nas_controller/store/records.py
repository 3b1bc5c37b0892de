"""What the store hands out: frozen records, detached from any database session. Times are aware, in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import AttemptState, CampaignState, PauseMode, StopReason, TrialState

Item = TypeVar("Item")


# What the service shows of each, in this order: names of fields here and of columns in the tables.
SHOWN_OF_A_TRIAL = (
    "number", "state", "reward", "betas", "alphas", "widths", "madds", "params", "madds_ratio", "attempts",
    "reused_from", "metrics", "error", "error_kind", "progress_step", "progress_total", "progress_ap",
    "stopped_early_step", "started_at", "finished_at",
)  # fmt: skip
SHOWN_OF_AN_ATTEMPT = (
    "number", "state", "reward", "metrics", "error", "error_kind", "log_tail", "started_at", "finished_at",
)  # fmt: skip
SHOWN_OF_A_MEASUREMENT = ("attempt", "step", "at", "values")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if isinstance(value, datetime):
        return _iso(value)
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list; `next_cursor` is None on the last one."""

    items: tuple[Item, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class CampaignRecord:
    """A campaign and the sums over its trials that every list shows.

    `trials_begun` and `trials_finished` count trials of all kinds, repeats and trial 0 included; `best_*` and
    `baseline_reward` are None until there is a reward. `last_event` is the sequence of its newest event.

    `pause_mode` is None unless it is `pausing` or `paused`; `paused_seconds` counts pauses that are over.
    `device_seconds` is what attempts that are over have taken, summed over the devices of each. `stopped_because` names
    the stop condition that has ended the campaign.
    """

    id: str
    name: str
    state: CampaignState
    spec: CampaignSpec
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    trials_begun: int
    trials_finished: int
    baseline_reward: float | None
    best_reward: float | None
    best_trial: int | None
    last_event: int
    pause_mode: PauseMode | None
    paused_at: datetime | None
    paused_seconds: float
    device_seconds: float
    stopped_because: StopReason | None

    def to_dict(self) -> dict[str, Any]:
        """The campaign as the service shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "error": self.error,
            "created_at": _iso(self.created_at),
            "started_at": _iso(self.started_at),
            "finished_at": _iso(self.finished_at),
            "trials_begun": self.trials_begun,
            "trials_finished": self.trials_finished,
            "baseline_reward": self.baseline_reward,
            "best_reward": self.best_reward,
            "best_trial": self.best_trial,
            "last_event": self.last_event,
            "pause_mode": self.pause_mode,
            "paused_at": _iso(self.paused_at),
            "paused_seconds": self.paused_seconds,
            "device_seconds": self.device_seconds,
            "stopped_because": self.stopped_because,
            "spec": self.spec.model_dump(mode="json"),
        }


@dataclass(frozen=True)
class TrialRecord:
    """One trial. Trial 0 is the uniform baseline and was not sampled: its `choices` are None.

    States: `running`; `completed` with a reward; `failed`, given up with reward 0; `stopped`, unfinished
    when its campaign ended, with no reward. `error` says why it was given up or, before it has its outcome,
    why its latest attempt failed; `error_kind` is that error's name. `reused_from` is the trial whose reward
    this repeated architecture took. `progress_step` of `progress_total` says how far the newest attempt has come, and
    `progress_ap` is the latest AP that it has measured on the way, if any. `stopped_early_step` is the step at which
    the campaign's rule has stopped the trial with that AP as its reward.
    """

    campaign_id: str
    number: int
    state: TrialState
    reward: float | None
    choices: tuple[int, ...] | None
    log_probability: float | None
    betas: tuple[float, ...]
    alphas: tuple[float, ...]
    widths: tuple[int, ...]
    madds: int
    params: int
    madds_ratio: float
    attempts: int
    reused_from: int | None
    metrics: Mapping[str, float] | None
    error: str | None
    error_kind: str | None
    progress_step: int | None
    progress_total: int | None
    progress_ap: float | None
    stopped_early_step: int | None
    started_at: datetime
    finished_at: datetime | None

    def to_dict(self) -> dict[str, Any]:
        """The trial as the service shows it."""
        return {name: _plain(getattr(self, name)) for name in SHOWN_OF_A_TRIAL}


@dataclass(frozen=True)
class AttemptRecord:
    """One execution of a trial. `number` counts from 1 within the trial; `epoch` is its runner's lease.

    States: `running`; `accepted`, its result is the trial's; `late`, it finished after another was accepted;
    `failed`, it raised or its worker died; `abandoned`, its runner was lost or the campaign was stopped.
    Of a failed one, `error_kind` is the error's name and `log_tail` the end of what its worker wrote.
    """

    id: str
    campaign_id: str
    trial: int
    number: int
    state: AttemptState
    epoch: int
    reward: float | None
    metrics: Mapping[str, float] | None
    error: str | None
    error_kind: str | None
    log_tail: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class MeasurementRecord:
    """One point of a trial's learning curve: what attempt number `attempt` measured at `step`.

    Of a training, `loss`, the `seconds` since its start and, where it was scored in between, `ap`.
    """

    trial: int
    attempt: int
    step: int
    at: datetime
    values: Mapping[str, float]


@dataclass(frozen=True)
class TrialDetail:
    """A trial with its attempts (oldest first) and its learning curve (by attempt, then step)."""

    trial: TrialRecord
    attempts: tuple[AttemptRecord, ...]
    curve: tuple[MeasurementRecord, ...]


@dataclass(frozen=True)
class EventRecord:
    """Something that happened to a campaign. `sequence` counts from 1 without gaps within the campaign.

    Kinds: `campaign.created`, `campaign.submitted`, `campaign.updated`, `campaign.claimed`, `campaign.pausing`,
    `campaign.paused`, `campaign.resumed`, `campaign.stopping`, `campaign.stopped`, `campaign.completed`,
    `campaign.failed`, `trial.begun`, `trial.completed`, `trial.failed`, `trial.stopped`, `attempt.started`,
    `attempt.failed`, `attempt.abandoned`, `attempt.late`.
    """

    campaign_id: str
    sequence: int
    at: datetime
    kind: str
    data: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The event as the service sends it."""
        return {"sequence": self.sequence, "at": _iso(self.at), "kind": self.kind, "data": dict(self.data)}


@dataclass(frozen=True)
class ControllerStateRecord:
    """The controller as it stood after the event `sequence`; `state` is for `Controller.from_state`."""

    campaign_id: str
    sequence: int
    digest: str
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Lease:
    """A runner's right to write a campaign. `epoch` grows with every claim and fences earlier runners off."""

    campaign_id: str
    epoch: int
    owner: str
    seconds: float


@dataclass(frozen=True)
class Acceptance:
    """What became of a reported outcome, with the trial and the state of its campaign afterwards.

    `accepted`: it is the trial's. `duplicate`: the trial had this outcome already; nothing changed. `late`: another
    attempt was first; the attempt is marked so and nothing else changed. The outcome may have met a stop condition:
    then the campaign is `completed`.
    """

    outcome: Literal["accepted", "duplicate", "late"]
    trial: TrialRecord
    campaign_state: CampaignState
