"""The documents of sample detections: what a trial and the baseline find in a few reserved images."""

from __future__ import annotations

from pydantic import Field

from nas_controller.entities.document import Document
from nas_controller.entities.exports import ExportDocument


class TrueObjectDocument(Document):
    """An annotated object."""

    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the image.")
    name: str = Field(description="Its class.")
    is_crowd: bool = Field(description="Whether it is a crowd, which is not scored.")


class DetectionDocument(Document):
    """An object that a detector has found."""

    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the image.")
    name: str = Field(description="Its class.")
    score: float


class SampleImageDocument(Document):
    """One reserved image with its objects, each list with the address of the picture that shows it."""

    file_name: str
    width: int
    height: int
    truth: tuple[TrueObjectDocument, ...]
    truth_picture: str = Field(examples=["/v1/exports/e_1m81xk20d3zq0yb7/pictures/1-truth.jpg"])
    trial: tuple[DetectionDocument, ...] = Field(description="The highest score first.")
    trial_picture: str
    baseline: tuple[DetectionDocument, ...] | None = Field(description="Null, as its picture, for the baseline itself.")
    baseline_picture: str | None


class DetectionsDocument(Document):
    """Detections of a trial and of the baseline in the same images, with weights of the same kind."""

    campaign_id: str
    trial: int
    lowest_score: float = Field(description="Objects with a lower score are left out.")
    unavailable: str | None = Field(description="Why none can be made, such as weights that are not kept, or null.")
    about: str | None = Field(description="What the weights of the trial are; null where it has none.")
    baseline_about: str | None = Field(description="What those of the baseline are.")
    export: ExportDocument | None = Field(
        description="The process that makes them, its progress and its archive; null until they are requested."
    )
    of_images: int | None = Field(description="How many reserved images there are; null until they are made.")
    images: tuple[SampleImageDocument, ...] | None = Field(
        description="A few, evenly spread over those with objects, the same for every trial; null until they are made."
    )
