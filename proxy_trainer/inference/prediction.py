"""Finds objects in pictures with a detector, and draws them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageDraw

from proxy_trainer.data.box_drawing import class_colour, draw_box, label_font
from proxy_trainer.data.images import Pixels, load_upright_image, resize_and_pad, resized_size
from proxy_trainer.inference.detector import LoadedDetector

_SMALLEST_DRAWN_PX = 480
"""Pictures with a shorter long side are enlarged by a whole factor before boxes are drawn, so that labels fit."""

_FONT_SHARE, _SMALLEST_FONT_PX = 0.022, 13
_LINE_SHARE = 0.003


Corners = tuple[float, float, float, float]
"""A box (x1, y1, x2, y2) in pixels of its picture."""


class Drawable(Protocol):
    """What is drawn as a box with a label, in the colour of its class slot."""

    @property
    def box(self) -> Corners:
        """The box."""
        ...

    @property
    def slot(self) -> int:
        """The class slot."""
        ...

    @property
    def label(self) -> str:
        """What is written at the box."""
        ...


@dataclass(frozen=True)
class Found:
    """One object: its box, score, class slot, and name if it has one."""

    box: Corners
    score: float
    slot: int
    name: str | None

    @property
    def label(self) -> str:
        """What is written at its box."""
        return f"{self.slot if self.name is None else self.name} {self.score:.2f}"

    def to_dict(self) -> dict[str, Any]:
        """The object as plain JSON values."""
        box = [round(side, 4) for side in self.box]
        return {"box": box, "score": round(self.score, 6), "class": self.slot, "name": self.name}


@dataclass(frozen=True, eq=False)
class Prediction:
    """The picture, uint8 [height, width, 3], upright, and its objects, best first."""

    path: Path
    pixels: Pixels
    objects: tuple[Found, ...]

    def to_dict(self) -> dict[str, Any]:
        """The prediction as plain JSON values."""
        height, width = self.pixels.shape[:2]
        detections = [each.to_dict() for each in self.objects]
        return {"image": str(self.path), "width": width, "height": height, "detections": detections}


def predict(detector: LoadedDetector, path: Path, lowest_score: float) -> Prediction:
    """The objects in a picture with at least this score.

    The picture is turned as its EXIF orientation says; boxes are in pixels of the turned picture. Raises
    UnreadableImageError.
    """
    picture = load_upright_image(path)
    return Prediction(path, picture, objects_in(picture, detector, lowest_score))


def objects_in(picture: Pixels, detector: LoadedDetector, lowest_score: float) -> tuple[Found, ...]:
    """The objects with at least this score in a picture, uint8 [height, width, 3], the best first.

    Boxes are in its pixels, and within it.
    """
    height, width = picture.shape[:2]
    pixels, scale = resize_and_pad(picture, detector.image_px)
    sizes = np.array([resized_size(height, width, detector.image_px)], np.int32)
    found = detector.detects.detect(pixels[None], sizes)
    objects = []
    for row in range(int(found.valid[0])):
        if found.scores[0, row] < lowest_score:
            continue
        y1, x1, y2, x2 = (float(side) / scale for side in found.boxes[0, row])
        box = (min(max(x1, 0.0), width), min(max(y1, 0.0), height), min(max(x2, 0.0), width), min(max(y2, 0.0), height))
        if box[0] >= box[2] or box[1] >= box[3]:
            continue  # it is in the padding
        slot = int(found.classes[0, row])
        objects.append(Found(box, float(found.scores[0, row]), slot, detector.class_name(slot)))
    return tuple(objects)


def drawn(prediction: Prediction) -> Image.Image:
    """The picture with the boxes, in the colours of their classes, the best on top; small ones are enlarged."""
    return with_boxes(*enlarged(prediction.pixels), prediction.objects)


def with_boxes(picture: Image.Image, factor: float, objects: Sequence[Drawable]) -> Image.Image:
    """The picture with the boxes of objects, the first on top; it is `factor` times as large as the boxes' picture."""
    draw, long_side = ImageDraw.Draw(picture), max(picture.size)
    font_px = max(_SMALLEST_FONT_PX, round(_FONT_SHARE * long_side))
    for each in reversed(objects):
        x1, y1, x2, y2 = (factor * side for side in each.box)
        draw_box(
            draw,
            (x1, y1, x2, y2),
            each.label,
            class_colour(each.slot),
            font=label_font(font_px),
            font_px=font_px,
            line_px=max(2, round(_LINE_SHARE * long_side)),
            right=picture.width,
        )
    return picture


def enlarged(pixels: Pixels) -> tuple[Image.Image, int]:
    """The picture, enlarged by a whole factor if it is small, and the factor."""
    picture = Image.fromarray(pixels)
    factor = max(1, math.ceil(_SMALLEST_DRAWN_PX / max(picture.size)))
    return picture.resize((factor * picture.width, factor * picture.height), Image.Resampling.BICUBIC), factor
