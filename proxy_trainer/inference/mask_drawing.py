"""Draws masks of objects, and maps with a class per pixel, over pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from proxy_trainer.data.box_drawing import Colour, class_colour, fitting, label_font
from proxy_trainer.data.images import Pixels
from proxy_trainer.data.label_maps import Labels
from proxy_trainer.inference.prediction import enlarged

_OPACITY = 0.55
_LEGEND_PX, _FONT_PX = 22, 14
_PAPER, _INK = (250, 250, 250), (20, 24, 30)


def blended(pixels: Pixels, masks: Iterable[tuple[npt.NDArray[np.bool_], Colour]]) -> Pixels:
    """The picture [height, width, 3] with each mask [height, width] in its colour, the last on top."""
    found = pixels.astype(np.float32)
    for mask, colour in masks:
        found[mask] = (1 - _OPACITY) * pixels[mask] + _OPACITY * np.array(colour, np.float32)
    return np.round(found).astype(np.uint8)


def overlaid(pixels: Pixels, labels: Labels, names: Sequence[str]) -> Image.Image:
    """The picture under the colours of its classes, and a legend; the background, class 0, has no colour."""
    present = [slot for slot in np.unique(labels).tolist() if slot]
    picture, _ = enlarged(blended(pixels, ((labels == slot, class_colour(slot)) for slot in present)))
    drawn = Image.new("RGB", (picture.width, picture.height + _LEGEND_PX * len(present)), _PAPER)
    drawn.paste(picture)
    draw, font = ImageDraw.Draw(drawn), label_font(_FONT_PX)
    for row, slot in enumerate(present):
        top = picture.height + _LEGEND_PX * row
        draw.rectangle((4, top + 4, 4 + _FONT_PX, top + 4 + _FONT_PX), fill=class_colour(slot))
        text = fitting(draw, names[slot], picture.width - _LEGEND_PX - 8, font)
        draw.text((_LEGEND_PX + 2, top + 2), text, _INK, font)
    return drawn


def label_image(labels: Labels, classes: int) -> Image.Image:
    """The class of each pixel as an image with a palette: that of the overlay, the background in black."""
    image = Image.fromarray(labels).convert("P")
    colours = [(0, 0, 0), *(class_colour(slot) for slot in range(1, classes))]
    image.putpalette([value for colour in colours for value in colour])
    return image
