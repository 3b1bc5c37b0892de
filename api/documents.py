"""Models of requests and responses, which the OpenAPI document, the client and the command line share. Those of stored
entities are defined in `nas_controller.entities`.

Times are UTC, ISO 8601. Multi-adds and parameters count as in `search_space.cost`: plain multi-adds, trainable
parameters. Rewards are AP, from 0 to 1.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from nas_controller.entities import (
    AttemptDocument,
    CampaignDocument,
    ComparisonDocument,
    CurvePoint,
    DeliveryDocument,
    DetectionsDocument,
    DryRunDocument,
    EstimateDocument,
    EventDocument,
    ExportDocument,
    ExportFormatDocument,
    ExportsDocument,
    FinalRunDocument,
    FinalsDocument,
    FinalsReportDocument,
    GainDocument,
    KeyDocument,
    ListedCampaignDocument,
    NewWebhookDocument,
    SharedTrainingDocument,
    SupervisorDocument,
    TrainingDocument,
    TrainingProgressDocument,
    TrainingRowDocument,
    TrialCountsDocument,
    TrialDetailDocument,
    TrialDocument,
    VerdictDocument,
    WebhookDocument,
    WeightsDocument,
)
from nas_controller.states import WEBHOOK_EVENTS, CampaignState, PauseMode, WebhookEvent, WeightsWanted
from nas_controller.trainings.spec import TrainingSpec
from search_space.detector import SHOWN_SCORE

__all__ = [
    "AttemptDocument",
    "BestDocument",
    "CampaignDocument",
    "CampaignPage",
    "ComparisonDocument",
    "CurvePoint",
    "DatasetDocument",
    "DatasetSummaryDocument",
    "DeliveryDocument",
    "DetectionsDocument",
    "DetectionsOptions",
    "DryRunDocument",
    "EstimateDocument",
    "EventDocument",
    "ExportDocument",
    "ExportFormatDocument",
    "ExportOptions",
    "ExportsDocument",
    "FinalRunDocument",
    "FinalsDocument",
    "FinalsReportDocument",
    "GainDocument",
    "HealthDocument",
    "KeyDocument",
    "ListedCampaignDocument",
    "NewWebhookDocument",
    "Page",
    "PauseRequest",
    "PolicyDocument",
    "ReadinessDocument",
    "SharedTrainingDocument",
    "SupervisorDocument",
    "TrainingDocument",
    "TrainingExportOptions",
    "TrainingProgressDocument",
    "TrainingRowDocument",
    "TrainingSpec",
    "TrialCountsDocument",
    "TrialDetailDocument",
    "TrialDocument",
    "VerdictDocument",
    "WebhookDocument",
    "WebhookRequest",
    "WeightsDocument",
]

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Value of `cursor` for the next page; null on the last page.")


class CampaignPage(Page[ListedCampaignDocument]):
    """One page of the list of campaigns."""

    total: int = Field(description="Campaigns on all pages.")
    by_state: dict[CampaignState, int] = Field(
        description="Campaigns of each state, whatever `state` the request names."
    )


class PauseRequest(BaseModel):
    """How to pause a campaign."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mode": "drain"}, {"mode": "abort"}]})

    mode: PauseMode = Field(
        default="drain",
        description="`drain` lets trials in training finish; `abort` aborts them, to be retried later.",
    )


class WebhookRequest(BaseModel):
    """A webhook to create."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Where messages are posted to; HTTPS, or HTTP in a network that you trust.")
    events: tuple[WebhookEvent, ...] = Field(
        default=WEBHOOK_EVENTS, min_length=1, max_length=len(WEBHOOK_EVENTS), description="Events that are sent to it."
    )
    campaign_id: str | None = Field(
        default=None, max_length=64, description="Only events of this campaign; null: of all."
    )


class ExportOptions(BaseModel):
    """What to export, and with which weights."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Name of a format that a process makes.", max_length=40)
    trial: int | None = Field(default=None, ge=0, description="Number of the trial; null: the first of the best.")
    weights: WeightsWanted = Field(
        default="best",
        description="`finals`: trained alone in the finals, the seed with the highest AP; `shared`: the slice of the "
        "shared weights; `initial`: untrained; `best`: the first of these that the trial has.",
    )


class TrainingExportOptions(BaseModel):
    """What to export of a training."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(description="Name of a format that a process makes.", max_length=40)


class DetectionsOptions(BaseModel):
    """Which detections to draw."""

    model_config = ConfigDict(extra="forbid")

    lowest_score: float = Field(
        default=SHOWN_SCORE, ge=0, le=1, allow_inf_nan=False, description="Objects with a lower score are left out."
    )


class BestDocument(BaseModel):
    """The best trials of a campaign and the uniform baseline: first the one that its finals rank first, if there were
    finals, then by reward.
    """

    items: list[TrialDocument]
    baseline: TrialDocument | None
    compared: TrialDocument | None = Field(
        description="The trial that figures show against the baseline: the first of `items`; where finals rank the "
        "baseline itself first, the best of their candidates. Null without reward."
    )
    is_confirmed: bool = Field(
        description="Whether finals have confirmed that the first is better than the baseline. A reward alone has not: "
        "the highest of many rewards is on average too high."
    )
    sentence: str | None = Field(
        description="What is known of the first: the verdict of the finals, or that none were run. Null without reward."
    )
    gain: GainDocument | None = Field(
        description="What the first gains over the baseline. Null before the baseline has a reward."
    )
    learned: str | None = Field(
        description="What the search has learned about where compute should go, from the first. Null without reward."
    )


class PolicyDocument(BaseModel):
    """The learned policy: the probability of each multiplier for each block."""

    choices: list[float]
    blocks: list[int]
    probabilities: list[list[float]] = Field(description="[block, choice]; each row adds up to 1.")


class HealthDocument(BaseModel):
    """Liveness of the service."""

    status: str = Field(examples=["ok"])
    version: str | None = Field(description="Null for callers without a required key, as is `data_dir`.")
    data_dir: str | None = Field(description="Directory of the service's files.")
    commit: str | None = Field(
        default=None, description="Commit of the source, where the service runs from a working copy."
    )


class ReadinessDocument(HealthDocument):
    """Readiness of the service and its database, and the supervisors that run campaigns."""

    schema_revision: str | None = Field(default=None, description="Schema version of the database.")
    data_dir_free_bytes: int | None = Field(default=None, description="Free space on the disk of the data directory.")
    supervisors: list[SupervisorDocument] | None = Field(
        default=None,
        description="Those seen within a day that did not shut down, latest first. If none is alive, campaigns wait.",
    )


class FindingDocument(BaseModel):
    """Something unusual about a data set that was accepted."""

    kind: str = Field(description="Identifies it, such as `area-invalid`.")
    count: int
    message: str = Field(description="Names the file and the count, and says how it is understood.")
    examples: list[str] = Field(description="At most three.")


class DatasetCategoryDocument(BaseModel):
    """An object class of a split."""

    id: int | str
    name: str
    boxes: int
    images: int = Field(description="Images with such a box.")


class DatasetSplitDocument(BaseModel):
    """What a split of a data set holds."""

    images_dir: str
    annotations: str = Field(description="The annotation file.")
    annotations_sha256: str
    images: int
    boxes: int
    crowd_boxes: int
    empty_images: int = Field(description="Images without boxes.")
    boxes_clipped: int = Field(description="Boxes cut at a border of their image for training.")
    boxes_without_area: int = Field(description="Boxes with no area in their image, which cannot be learned.")
    image_sizes: dict[str, list[int]] = Field(description="[width, height] of the smallest, median, largest image.")
    areas: dict[str, int] = Field(description="Boxes that count as small, medium and large in the COCO metrics.")
    image_px: int = Field(description="Image side in training that `levels` are for.")
    anchor_size: float = Field(description="Smallest anchor of a level, in strides, that `levels` are for.")
    levels: dict[str, int] = Field(description="Training boxes by the pyramid level of their nearest anchor.")
    categories: list[DatasetCategoryDocument]
    images_decoded: int = Field(description="Images that were decoded; of the others only headers were read.")


class DatasetReportDocument(BaseModel):
    """What `effspine data register` found."""

    registered_at: str
    splits: dict[str, DatasetSplitDocument] = Field(description="By name: `train` and, if there is one, `val`.")
    warnings: list[FindingDocument]


class DatasetSummaryDocument(BaseModel):
    """A data set in the list of all."""

    name: str
    path: str | None = Field(description="Its directory; null if the registration is damaged.")
    is_there: bool = Field(description="Whether the directory exists.")
    warnings: int | None = Field(description="Number of kinds of warnings; null without a report.")


class DatasetDocument(BaseModel):
    """A data set that campaigns can name."""

    name: str
    path: str | None = Field(description="Its directory; null if the registration is damaged.")
    is_there: bool = Field(description="Whether the directory exists.")
    has_preview: bool = Field(description="Whether there is a picture of its images with their boxes.")
    report: DatasetReportDocument | None = Field(description="Null if it was never registered where it is now.")
    register_command: str | None = Field(description="The command that makes a report, if there is none.")
