"""The parameters of the embedded digits data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from search_space.errors import InvalidValueError

DigitsTask = Literal["detection", "classification", "segmentation"]

_FORMAT_VERSION = 1
TRAIN_IMAGES, VAL_IMAGES = 4000, 2000
"""The default numbers of images."""
OBJECT_PX = (10.0, 110.0)
"""The default heights of digits: every pyramid level from stride 8 to stride 64 has objects."""
OBJECT_IMAGE_PX = 128
"""The image side that heights of digits are stated for."""
_SMALLEST_PX = 6


@dataclass(frozen=True)
class DigitsParameters:
    """The arguments of `make_digits`, stored in its directory so that an equal call can reuse it.

    Raises InvalidValueError for a value out of range.
    """

    train: int
    val: int
    seed: int
    categories: int
    image_px: int
    object_px: tuple[float, float] = OBJECT_PX
    format_version: int = _FORMAT_VERSION
    task: DigitsTask = "detection"

    def __post_init__(self) -> None:
        for name, lowest in (("train", 1), ("val", 1), ("seed", 0), ("image_px", 64)):
            if getattr(self, name) < lowest:
                raise InvalidValueError(f"{name} must be at least {lowest}, not {getattr(self, name)}", field=name)
        if self.task not in get_args(DigitsTask):
            known = ", ".join(get_args(DigitsTask))
            raise InvalidValueError(f"task is {self.task!r}; it must be one of {known}", field="task")
        if self.task == "classification" and self.categories != 10:
            raise InvalidValueError("classification has 10 categories, one for each digit", field="categories")
        if self.categories not in (1, 10):
            raise InvalidValueError(f"categories must be 1 or 10, not {self.categories}", field="categories")
        low, high = self.object_px
        if not _SMALLEST_PX <= low <= high <= OBJECT_IMAGE_PX:
            raise InvalidValueError(
                f"object_px is {low:g}:{high:g}; it must be two heights in pixels, the smaller first, from "
                f"{_SMALLEST_PX} to {OBJECT_IMAGE_PX}",
                field="object_px",
            )

    def to_dict(self) -> dict[str, Any]:
        """The parameters by name, as JSON."""
        return {**asdict(self), "object_px": list(self.object_px)}

    def image_pattern(self, split: str) -> str:
        """The glob pattern of the images of a split below the directory of the data set."""
        patterns = {"classification": f"{split}/*/*.jpg", "segmentation": f"JPEGImages/{split}_*.jpg"}
        return patterns.get(self.task, f"{split}/*.jpg")
