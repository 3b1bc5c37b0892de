"""Draws pictures with their boxes side by side."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from search_space.display import displayed_line

TILE_PX = 256
"""Side of a drawn tile in pixels."""

_GAP_PX, _CAPTION_PX, _TITLE_PX, _FONT_PX, _LABEL_PX = 8, 18, 28, 13, 16
_PAPER, _INK, _FAINT = (250, 250, 250), (20, 24, 30), (110, 118, 128)
_COLOURS = (
    *((230, 57, 70), (42, 157, 244), (247, 178, 36), (46, 196, 120), (190, 92, 240), (255, 126, 62)),
    *((0, 191, 191), (240, 98, 170), (150, 200, 40), (120, 130, 255)),
)
"""Of the boxes, by class."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture, uint8 [px, px, 3], with its boxes.

    `boxes` float32 [b, 4] are (y1, x1, y2, x2) in its pixels, `classes` int [b] count from 0, -1 draws no box.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int32]
    caption: str


def sheet(title: str, rows: Sequence[Sequence[Tile]], class_names: Sequence[str]) -> Image.Image:
    """The tiles in rows under a title."""
    columns = max((len(row) for row in rows), default=1)
    width = _GAP_PX + columns * (TILE_PX + _GAP_PX)
    step = TILE_PX + _CAPTION_PX + _GAP_PX
    drawn = Image.new("RGB", (width, _TITLE_PX + len(rows) * step), _PAPER)
    draw = ImageDraw.Draw(drawn)
    draw.text((_GAP_PX, 7), _fitting(draw, title, width - 2 * _GAP_PX, _font()), _INK, _font())
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            left, top = _GAP_PX + column * (TILE_PX + _GAP_PX), _TITLE_PX + number * step
            drawn.paste(_drawn_tile(tile, class_names), (left, top))
            caption = _fitting(draw, tile.caption, TILE_PX, _font())
            draw.text((left, top + TILE_PX + 1), caption, _FAINT, _font())
    return drawn


def stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """The sheets one below the other."""
    drawn = Image.new("RGB", (max(each.width for each in sheets), sum(each.height for each in sheets)), _PAPER)
    top = 0
    for each in sheets:
        drawn.paste(each, (0, top))
        top += each.height
    return drawn


def png(drawn: Image.Image) -> bytes:
    """The content of a PNG file."""
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


def _drawn_tile(tile: Tile, class_names: Sequence[str]) -> Image.Image:
    px = len(tile.pixels)
    method = Image.Resampling.NEAREST if px < TILE_PX else Image.Resampling.BILINEAR
    drawn = Image.fromarray(tile.pixels).resize((TILE_PX, TILE_PX), method)
    draw = ImageDraw.Draw(drawn)
    font = _font()
    for box, number in zip(tile.boxes, tile.classes.tolist(), strict=True):
        if number < 0:
            continue
        y1, x1, y2, x2 = (float(side) * TILE_PX / px for side in box)
        colour = _COLOURS[number % len(_COLOURS)]
        draw.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=2)
        label = _fitting(draw, class_names[number], TILE_PX - x1 - 4, font)
        if label:
            top = y1 - _LABEL_PX if y1 >= _LABEL_PX else y1  # above the box, where there is room
            draw.rectangle((x1, top, x1 + draw.textlength(label, font) + 4, top + _LABEL_PX), fill=colour)
            draw.text((x1 + 2, top), label, (255, 255, 255), font)
    return drawn


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(_FONT_PX)


def _fitting(
    draw: ImageDraw.ImageDraw, text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    """The text in one line, cut to a width in pixels."""
    line = displayed_line(text)[:200]
    if draw.textlength(line, font) <= width:
        return line
    while line and draw.textlength(line + "...", font) > width:
        line = line[:-1]
    return line + "..." if line else ""
