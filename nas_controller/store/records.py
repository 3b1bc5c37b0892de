"""The records that the store returns: frozen and detached from any database session. Times are aware, in UTC.

A record has the fields of its document in `nas_controller.entities` and, excluded from that document, fields that only
callers of the store need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from nas_controller.entities import (
    AttemptDocument,
    CampaignFields,
    CurvePoint,
    EventDocument,
    TrialDocument,
)
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import CampaignState

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list; `next_cursor` is None on the last one."""

    items: tuple[Item, ...]
    next_cursor: str | None


class CampaignRecord(CampaignFields):
    """A campaign and the sums over its trials that every list shows.

    `trials_begun` and `trials_finished` count all trials, including repeats and trial 0; `best_*` and
    `baseline_reward` are None until there is a reward. `retry_epoch` is the epoch of the lease under which it failed
    before its latest retry: attempts up to it do not count as failed; 0 without a retry.
    """

    spec: CampaignSpec
    retry_epoch: int = Field(exclude=True)

    @property
    def progress(self) -> int:
        """A number that grows with every step of the shared training, every finished trial and every final."""
        shared = 0 if self.shared_training is None else self.shared_training.step
        return self.trials_finished + shared + (0 if self.finals is None else self.finals.runs_finished)

    @property
    def is_in_finals(self) -> bool:
        """Whether its finals are running, so that its search is over."""
        return self.finals is not None and self.finals.state == "running"

    def to_dict(self) -> dict[str, Any]:
        """The document as plain JSON values."""
        return {**super().to_dict(), "spec": self.spec.model_dump(mode="json")}


@dataclass(frozen=True)
class CampaignPage(Page[CampaignRecord]):
    """One page of campaigns; `total` counts those of all pages, and `by_state` those of every state that the rest of
    the filter leaves.
    """

    total: int
    by_state: Mapping[str, int]


class TrialRecord(TrialDocument):
    """One trial. Trial 0 is the uniform baseline and was not sampled: its `choices` are None.

    States: `running`; `completed` with a reward; `failed`, given up with reward 0; `stopped`, unfinished when its
    campaign ended, without a reward. `progress_step` of `progress_total` is the progress of the newest attempt.
    """

    campaign_id: str = Field(exclude=True)
    choices: tuple[int, ...] | None = Field(exclude=True)
    log_probability: float | None = Field(exclude=True)


class AttemptRecord(AttemptDocument):
    """One execution of a trial. `number` counts from 1 within the trial; `epoch` is its runner's lease.

    States: `running`; `accepted`, its result is the trial's; `late`, it finished after another was accepted;
    `failed`, it raised or its worker died; `abandoned`, its runner was lost or the campaign was stopped.
    """

    campaign_id: str = Field(exclude=True)
    trial: int = Field(exclude=True)
    epoch: int = Field(exclude=True)


class MeasurementRecord(CurvePoint):
    """One point of a trial's learning curve. Its `values` are `loss`, the `seconds` since the start of the training
    and, if it was scored at this step, `ap`.
    """

    trial: int = Field(exclude=True)


@dataclass(frozen=True)
class TrialDetail:
    """A trial with its attempts (oldest first) and its learning curve (by attempt, then step)."""

    trial: TrialRecord
    attempts: tuple[AttemptRecord, ...]
    curve: tuple[MeasurementRecord, ...]


class EventRecord(EventDocument):
    """An event of a campaign. `sequence` counts from 1 without gaps within the campaign.

    Kinds: `campaign.created`, `campaign.submitted`, `campaign.updated`, `campaign.annotated`, `campaign.claimed`,
    `campaign.identified`, `campaign.waiting`, `campaign.pausing`, `campaign.paused`, `campaign.resumed`,
    `campaign.retried`, `campaign.continued`, `campaign.stopping`, `campaign.stopped`, `campaign.completed`,
    `campaign.failed`, `trial.begun`, `trial.completed`, `trial.failed`, `trial.stopped`, `attempt.started`,
    `attempt.failed`, `attempt.abandoned`, `attempt.late`, `shared-training.started`, `shared-training.completed`,
    `shared-training.failed`, `shared-training.abandoned`, `finals.started`, `finals.identified`, `finals.completed`,
    `final.begun`, `final.completed`, `final.failed`, `final.abandoned`, `search.plateau`.
    """

    campaign_id: str = Field(exclude=True)


@dataclass(frozen=True)
class ControllerStateRecord:
    """The controller after the event `sequence`; `state` is for `restore_searcher`."""

    campaign_id: str
    sequence: int
    digest: str
    state: Mapping[str, Any]


@dataclass(frozen=True)
class Lease:
    """A runner's right to write a campaign. `epoch` increases with every claim and fences off earlier runners."""

    campaign_id: str
    epoch: int
    owner: str
    seconds: float


@dataclass(frozen=True)
class Acceptance:
    """Whether a reported outcome was accepted, with the trial and the state of its campaign afterwards, and whether
    its search is over.

    `accepted`: it is now the trial's outcome. `duplicate`: the trial had this outcome already; nothing changed. `late`:
    another attempt finished first; the attempt is marked `late` and nothing else changed. If the outcome meets a stop
    condition, the campaign is `completed`, or its finals begin.
    """

    outcome: Literal["accepted", "duplicate", "late"]
    trial: TrialRecord
    campaign_state: CampaignState
    search_is_over: bool
