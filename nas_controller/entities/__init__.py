"""The documents of campaigns, trials and the other entities. The store's records extend them, the service's responses
have their fields in this order, and the client parses responses into them.

The module imports no database. Times are UTC, ISO 8601 in JSON. Multi-adds and parameters count as in
`search_space.cost`: plain multi-adds, trainable parameters. Rewards are AP, from 0 to 1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas_controller.entities.annotations import Annotations as Annotations
from nas_controller.entities.detections import DetectionDocument as DetectionDocument
from nas_controller.entities.detections import DetectionsDocument as DetectionsDocument
from nas_controller.entities.detections import SampleImageDocument as SampleImageDocument
from nas_controller.entities.detections import TrueObjectDocument as TrueObjectDocument
from nas_controller.entities.document import Document as Document
from nas_controller.entities.estimates import DryRunDocument as DryRunDocument
from nas_controller.entities.estimates import EstimateDocument as EstimateDocument
from nas_controller.entities.estimates import FeasibleMaddsDocument as FeasibleMaddsDocument
from nas_controller.entities.estimates import FinalsEstimateDocument as FinalsEstimateDocument
from nas_controller.entities.estimates import SharedTrainingEstimateDocument as SharedTrainingEstimateDocument
from nas_controller.entities.exports import ExportDocument as ExportDocument
from nas_controller.entities.exports import ExportFormatDocument as ExportFormatDocument
from nas_controller.entities.exports import ExportsDocument as ExportsDocument
from nas_controller.entities.exports import WeightsDocument as WeightsDocument
from nas_controller.entities.finals import ComparisonDocument as ComparisonDocument
from nas_controller.entities.finals import FinalistDocument as FinalistDocument
from nas_controller.entities.finals import FinalRunDocument as FinalRunDocument
from nas_controller.entities.finals import FinalsDocument as FinalsDocument
from nas_controller.entities.finals import FinalsReportDocument as FinalsReportDocument
from nas_controller.entities.finals import VerdictDocument as VerdictDocument
from nas_controller.entities.finals import name_of_final as name_of_final
from nas_controller.entities.listed_campaigns import CampaignSummaryDocument as CampaignSummaryDocument
from nas_controller.entities.listed_campaigns import GainDocument as GainDocument
from nas_controller.entities.listed_campaigns import SearchFlagsDocument as SearchFlagsDocument
from nas_controller.entities.trainings import TrainingDocument as TrainingDocument
from nas_controller.entities.trainings import TrainingProgressDocument as TrainingProgressDocument
from nas_controller.entities.trainings import TrainingRowDocument as TrainingRowDocument
from nas_controller.entities.trial_counts import TrialCountsDocument as TrialCountsDocument
from nas_controller.entities.trials import BlockDocument as BlockDocument
from nas_controller.entities.trials import LevelDocument as LevelDocument
from nas_controller.entities.trials import MetricDocument as MetricDocument
from nas_controller.entities.webhooks import DeliveryDocument as DeliveryDocument
from nas_controller.entities.webhooks import NewWebhookDocument as NewWebhookDocument
from nas_controller.entities.webhooks import WebhookDocument as WebhookDocument
from nas_controller.states import (
    AttemptState,
    CampaignState,
    KeyScope,
    PauseMode,
    SharedTrainingState,
    StopReason,
    TrialState,
)


class SharedTrainingDocument(Document):
    """The training of a campaign's shared weights, which precedes its trials."""

    state: SharedTrainingState = Field(
        description="That of its latest attempt; a failed or abandoned one is resumed by the next attempt."
    )
    attempts: int
    step: int = Field(description="Steps done, out of `steps`.")
    steps: int
    loss: float | None = Field(description="Loss of the latest step that was reported.")
    seconds: float = Field(description="Duration of its finished attempts since their workers began them.")
    devices: float | None = Field(
        None,
        description="Devices that its latest attempt holds, by which its time counts in `device_seconds`; null in "
        "records of earlier versions, which counted those of one trial.",
    )
    started_at: datetime = Field(description="When the latest attempt was handed out.")
    worker_started_at: datetime | None = Field(
        None, description="When a worker began the latest attempt; null while that waits for one."
    )
    finished_at: datetime | None
    is_reused: bool | None = Field(description="Whether the weights had been trained before; null until completed.")
    identity: str | None = Field(
        description="Digest of all that the weights depend on: data, task, search space, versions. Null until it was "
        "first completed."
    )
    weights_sha256: str | None = Field(description="Digest of the trained weights; null until it was first completed.")
    error: str | None = Field(description="The error of its latest failed attempt, until it is completed.")
    error_kind: str | None
    log_tail: str | None = Field(description="The end of the worker's log of that attempt.")


class CampaignFields(Document):
    """A campaign without its specification."""

    id: str
    name: str = Field(examples=["digits"])
    state: CampaignState
    error: str | None = Field(description="The error of a failed campaign; otherwise null.")
    error_kind: str | None = Field(None, description="Identifier of the kind of error.", examples=["data-changed"])
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    trials_begun: int
    trials_finished: int = Field(description="Finished trials, out of the specification's `trials`.")
    baseline_reward: float | None = Field(description="Reward of trial 0, the uniform baseline.")
    best_reward: float | None
    best_trial: int | None
    last_event: int = Field(description="Sequence number of the newest event.")
    pause_mode: PauseMode | None = Field(
        None, description="The mode of the pause while it is pausing or paused; otherwise null."
    )
    paused_at: datetime | None = Field(None, description="Start of the current pause; null unless it is paused.")
    paused_seconds: float = Field(0.0, description="Total duration of the pauses that have ended.")
    device_seconds: float = Field(
        0.0,
        description="Time of its finished attempts, summed over devices: what their workers told or, where one told "
        "nothing, from its begin to the end.",
    )
    stopped_because: StopReason | None = Field(
        None,
        description="The condition in the specification's `stop` that ended it before its last trial, or `exhausted` "
        "where no new architecture was left to propose.",
    )
    trials_since_best: int = Field(0, description="Finished trials since the one of the highest reward.")
    repeats_skipped: int = Field(
        0, description="Proposals of architectures that had been tried, which were drawn again and cost no trial."
    )
    reheated_trials: int = Field(
        0,
        description="Trials for which the policy, collapsed onto known architectures, was re-heated to find a new one.",
    )
    waiting_for: str | None = Field(
        None, description="What a running campaign waits for, such as a data set that is away; null while it trains."
    )
    shared_training: SharedTrainingDocument | None = Field(
        None,
        description="Training of the shared weights of a proxy task of kind `shared`; null before it begins and for "
        "other kinds.",
    )
    finals: FinalsDocument | None = Field(None, description="Its finals; null before they begin.")
    data: dict[str, Any] | None = Field(
        None,
        description="Identity of the data that its rewards were measured on, by content: `sha256` over both halves, "
        "and of each half its images, boxes and digests. `classes` has the `{id, name}` of each class slot; "
        "campaigns of earlier versions lack it. Null before the first trial and for synthetic tasks.",
    )
    notes: str = Field("", description="What people wrote on it.")
    tags: tuple[str, ...] = Field((), description="Words to find it by, in lower case.", examples=[["cars", "night"]])
    archived: bool = Field(False, description="Whether lists leave it out.")

    @property
    def confirmed_winner(self) -> int | None:
        """The trial that its finals have confirmed to be better than the baseline; None if there is none."""
        return None if self.finals is None else self.finals.winner

    @property
    def best_known_trial(self) -> int | None:
        """The trial that its finals rank first, or else that of the highest reward; None before any reward."""
        return self.best_trial if self.finals is None or self.finals.best is None else self.finals.best


class CampaignDocument(CampaignFields):
    """A campaign: its specification, its progress and its best reward so far."""

    spec: dict[str, Any] = Field(description="The campaign as requested, with every default filled in.")


class ListedCampaignDocument(CampaignDocument):
    """A campaign in a list."""

    summary: CampaignSummaryDocument


class TrialDocument(Document):
    """One architecture and the result of its proxy training."""

    number: int = Field(description="0 is the uniform baseline.")
    state: TrialState
    reward: float | None
    betas: tuple[float, ...] = Field(description="Sampled multipliers of the searched blocks.")
    alphas: tuple[float, ...] = Field(description="Channel shares after Equation 4.")
    widths: tuple[int, ...] = Field(description="Output channels of the 18 blocks; they identify the architecture.")
    madds: int
    params: int
    madds_ratio: float = Field(description="Multi-adds divided by the budget.")
    attempts: int
    reused_from: int | None = Field(description="The trial of the same architecture whose reward this one reuses.")
    metrics: dict[str, float] | None
    error: str | None = Field(
        description="The error of a failed trial or, while it runs, of its latest failed attempt."
    )
    error_kind: str | None = Field(None, description="Identifier of the kind of error.", examples=["non-finite-loss"])
    progress_step: int | None
    progress_total: int | None
    progress_ap: float | None = Field(None, description="The latest AP measured during training.")
    stopped_early_step: int | None = Field(
        None, description="The step at which early stopping ended the trial; its reward is the AP at that step."
    )
    latency_ms: float | None = Field(
        None, description="Milliseconds of one run of its ONNX export; null where the campaign does not measure it."
    )
    latency_ratio: float | None = Field(
        None, description="Its latency over that of the baseline, measured by turns; 1 for the baseline's architecture."
    )
    started_at: datetime
    worker_started_at: datetime | None = Field(
        None, description="When a worker began its latest attempt; null while that waits for a worker, and for repeats."
    )
    finished_at: datetime | None


class AttemptDocument(Document):
    """One execution of a trial."""

    number: int
    state: AttemptState
    reward: float | None
    metrics: dict[str, float] | None
    error: str | None = Field(description="The error of a failed attempt.")
    error_kind: str | None = Field(None, description="Identifier of the kind of error.", examples=["worker-killed"])
    log_tail: str | None = Field(
        None,
        description="The end of the worker's log; null while it runs, where it was abandoned or wrote nothing, and for "
        "attempts that succeeded under earlier versions.",
    )
    data_sha256: str | None = Field(None, description="Identity of the data that it read; see the campaign's `data`.")
    started_at: datetime
    finished_at: datetime | None


class CurvePoint(Document):
    """The measurements of an attempt at one step of its training."""

    attempt: int
    step: int
    at: datetime
    values: dict[str, float]


class TrialDetailDocument(TrialDocument):
    """A trial with its attempts, its learning curve, and its blocks beside those of the baseline."""

    attempts_made: list[AttemptDocument]
    curve: list[CurvePoint]
    blocks: list[BlockDocument]
    levels: list[LevelDocument] = Field(
        description="The finest first. What the shares leave are the stem and the detection head."
    )
    coco_metrics: list[MetricDocument] | None = Field(
        description="The twelve COCO metrics. Null before the outcome, for synthetic rewards, and where early stopping "
        "has measured the AP alone."
    )


class EventDocument(Document):
    """An event of a campaign; `sequence` is the id of its server-sent event."""

    sequence: int
    at: datetime
    kind: str
    data: dict[str, Any]


class KeyDocument(Document):
    """An API key, without its secret."""

    id: str = Field(description="Public; the part of the key between the first two underscores.")
    name: str
    scope: KeyScope
    created_at: datetime
    rotated_at: datetime | None
    last_used_at: datetime | None = Field(description="Accurate to about ten minutes.")
    expires_at: datetime | None
    revoked_at: datetime | None


class SupervisorDocument(Document):
    """A supervisor and its latest heartbeat."""

    id: str
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool = Field(description="Whether `seen_at` is at most 30 seconds ago.")
    failing_sinks: dict[str, str] = Field(
        description="The sinks, such as `mlflow`, that it cannot write for now, each with the latest cause."
    )
    processors: int | None = Field(
        None,
        description="Processors of its machine; null where it trains on a Ray cluster, whose size it does not know.",
    )
    max_parallelism: int | None = Field(
        None, description="The most trials that it trains at once, over all campaigns; null where it sets no limit."
    )
