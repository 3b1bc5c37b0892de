"""A few images of a split with their true boxes and with what detectors find in them, as pictures and as data.

detections.json     what `Samples.to_dict` returns
1-truth.jpg         the first image with its true boxes
1-NAME.jpg          with the objects that the detector NAME finds; then 2-truth.jpg, and so on
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.images import Pixels, read_image
from proxy_trainer.data.preview import drawn_images
from proxy_trainer.inference.detector import LoadedDetector
from proxy_trainer.inference.prediction import Corners, Drawable, Found, enlarged, objects_in, with_boxes

IMAGES = 6
DOCUMENT_FILE = "detections.json"
TRUTH = "truth"

_LONGEST_DRAWN_PX = 960
"""Pictures with a longer side are reduced to it before boxes are drawn."""

_JPEG_QUALITY = 90


@dataclass(frozen=True)
class TrueObject:
    """An annotated object: its box, category as a class slot, name, and whether it is a crowd, which is not scored."""

    box: Corners
    slot: int
    name: str
    is_crowd: bool

    @property
    def label(self) -> str:
        """What is written at its box."""
        return f"{self.name}, crowd" if self.is_crowd else self.name

    def to_dict(self) -> dict[str, Any]:
        """The object as plain JSON values."""
        box = [round(side, 2) for side in self.box]
        return {"box": box, "class": self.slot, "name": self.name, "is_crowd": self.is_crowd}


def write_samples(
    directory: Path,
    split: CocoSplit,
    detectors: Iterable[tuple[str, LoadedDetector]],
    lowest_score: float,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> None:
    """Writes the document and the pictures of at most IMAGES images; which ones depends on the split alone.

    A detector has a name that a file may have, and is used before the next one is asked for. All have the categories of
    the split as their class slots. `progress` is told the detector, and how many of its images are done. Raises
    UnreadableImageError, DataAwayError and OSError.
    """
    images = [int(index) for index in drawn_images(split, IMAGES)]
    found: dict[str, list[tuple[Found, ...]]] = {}
    for name, detector in detectors:
        found[name] = []
        for index in images:
            found[name].append(objects_in(read_image(split, index), detector, lowest_score))
            progress(name, len(found[name]), len(images))
    documents = []
    for place, index in enumerate(images):
        objects: dict[str, Sequence[TrueObject | Found]] = {TRUTH: true_objects(split, index)}
        objects |= {name: of_images[place] for name, of_images in found.items()}
        pixels = read_image(split, index)
        for name, each in objects.items():
            (directory / picture_file(place, name)).write_bytes(_jpeg(_drawn(pixels, each)))
        documents.append(_document(split, index, objects, place))
    document = {"lowest_score": lowest_score, "of_images": len(split), "images": documents}
    (directory / DOCUMENT_FILE).write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def picture_file(place: int, name: str) -> str:
    """The file of the picture of the image at this place, from 0, with the objects of a detector or the true ones."""
    return f"{place + 1}-{name}.jpg"


def true_objects(split: CocoSplit, index: int) -> tuple[TrueObject, ...]:
    """The annotated objects of an image, the smallest first, so that none hides another."""
    rows = np.flatnonzero(split.box_images == index)
    objects = []
    for row in rows[np.argsort(split.areas[rows], kind="stable")].tolist():
        x, y, width, height = split.boxes[row].tolist()
        slot = int(split.categories[row])
        crowd = bool(split.crowd[row])
        objects.append(TrueObject((x, y, x + width, y + height), slot, split.category_names[slot], crowd))
    return tuple(objects)


def _document(
    split: CocoSplit, index: int, objects: dict[str, Sequence[TrueObject | Found]], place: int
) -> dict[str, Any]:
    height, width = split.sizes[index].tolist()
    return {
        "file_name": split.file_names[index],
        "width": width,
        "height": height,
        "objects": {name: [each.to_dict() for each in found] for name, found in objects.items()},
        "pictures": {name: picture_file(place, name) for name in objects},
    }


def _drawn(pixels: Pixels, objects: Sequence[Drawable]) -> Image.Image:
    height, width = pixels.shape[:2]
    factor = _LONGEST_DRAWN_PX / max(height, width)
    if factor >= 1:
        return with_boxes(*enlarged(pixels), objects)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return with_boxes(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS), factor, objects)


def _jpeg(drawn: Image.Image) -> bytes:
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return file.getvalue()
