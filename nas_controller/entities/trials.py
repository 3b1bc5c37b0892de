"""The documents of a trial's parts: its blocks, its levels and its COCO metrics."""

from __future__ import annotations

from pydantic import Field

from nas_controller.entities.document import Document


class BlockDocument(Document):
    """One block of a trial beside that of the uniform baseline."""

    block: int = Field(description="Number of the block, from 1.")
    level: int = Field(description="Its feature level: a map has 1 / 2^level of the image's height and width.")
    multiplier: float | None = Field(description="Its sampled multiplier; null for a block that is not searched.")
    width: int = Field(description="Its output channels.")
    baseline_width: int
    madds: int
    params: int
    share: float = Field(description="Its multi-adds over those of the whole detector.")
    baseline_share: float


class LevelDocument(Document):
    """The blocks of one level together."""

    level: int
    share: float = Field(description="Their multi-adds over those of the whole detector.")
    baseline_share: float


class MetricDocument(Document):
    """One COCO metric of the trained proxy on the reserved images, 0 to 1."""

    name: str = Field(examples=["ap_small"])
    title: str = Field(description="What people call it.", examples=["AP small"])
    about: str = Field(description="What it measures.")
    value: float | None = Field(description="Null where the reserved images have no object of that size.")
