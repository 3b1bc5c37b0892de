"""The documents of exports: their formats, the weights that a trial has, and the files that are made of them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from nas_controller.entities.document import Document
from nas_controller.states import ExportPlace, ExportState, WeightsKind


class ExportFormatDocument(Document):
    """A format of exports."""

    name: str = Field(examples=["spec"])
    purpose: str = Field(description="What the format is for, in one sentence.")
    suffix: str = Field(description="Suffix of the file's name.", examples=[".json"])
    media_type: str = Field(examples=["application/json"])
    place: ExportPlace = Field(
        description="`here`: the service responds with the file at once; `worker`: a process of its own makes it."
    )


class WeightsDocument(Document):
    """Weights that an export of a trial can have."""

    kind: WeightsKind
    about: str = Field(description="What they are, in one sentence.")


class ExportDocument(Document):
    """An export: a file of one trial or training in one format with certain weights, made once. The format
    `detections` is that of `/trials/{number}/detections`.
    """

    id: str = Field(examples=["e_1m81wbxdc99wfqbs"])
    campaign_id: str | None = Field(description="Null, as `trial`, for an export of a training.")
    trial: int | None
    training_id: str | None = Field(None, description="The training whose best model it is; null for a trial.")
    format: str
    weights: WeightsKind
    about: str = Field(description="What these weights are, in one sentence.")
    lowest_score: float | None = Field(None, description="Of the detections; null for other formats.")
    state: ExportState = Field(
        description="A `removed` file made room for others; the same request makes it again, as that of a `failed` one."
    )
    progress: str | None = Field(description="What is being done, while it is running.")
    attempts: int
    error: str | None = Field(description="Why it has failed, or its latest attempt.")
    log_tail: str | None = Field(description="The end of the log of a process that was killed or ended with an error.")
    created_at: datetime
    started_at: datetime | None = Field(description="Start of the latest attempt.")
    finished_at: datetime | None
    file_name: str
    media_type: str
    size_bytes: int | None = Field(description="Null until it is completed, as `sha256`.")
    sha256: str | None


class ExportsDocument(Document):
    """What can be exported of a trial or a training, and what has been."""

    campaign_id: str | None
    trial: int | None
    training_id: str | None
    weights: tuple[WeightsDocument, ...] = Field(description="The best first.")
    exports: tuple[ExportDocument, ...] = Field(description="Newest first, at most 100.")
