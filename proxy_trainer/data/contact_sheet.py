"""Draws pictures with their boxes side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from proxy_trainer.data.box_drawing import class_colour, draw_box, fitting, label_font

TILE_PX = 256
"""Side of a drawn tile in pixels."""

_GAP_PX, _CAPTION_PX, _TITLE_PX, _FONT_PX = 8, 18, 28, 13
_PAPER, _INK, _FAINT = (250, 250, 250), (20, 24, 30), (110, 118, 128)


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
    draw.text((_GAP_PX, 7), fitting(draw, title, width - 2 * _GAP_PX, label_font(_FONT_PX)), _INK, label_font(_FONT_PX))
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            left, top = _GAP_PX + column * (TILE_PX + _GAP_PX), _TITLE_PX + number * step
            drawn.paste(_drawn_tile(tile, class_names), (left, top))
            caption = fitting(draw, tile.caption, TILE_PX, label_font(_FONT_PX))
            draw.text((left, top + TILE_PX + 1), caption, _FAINT, label_font(_FONT_PX))
    return drawn


def stacked(sheets: Sequence[Image.Image]) -> Image.Image:
    """The sheets one below the other."""
    drawn = Image.new("RGB", (max(each.width for each in sheets), sum(each.height for each in sheets)), _PAPER)
    top = 0
    for each in sheets:
        drawn.paste(each, (0, top))
        top += each.height
    return drawn


def _drawn_tile(tile: Tile, class_names: Sequence[str]) -> Image.Image:
    px = len(tile.pixels)
    method = Image.Resampling.NEAREST if px < TILE_PX else Image.Resampling.BILINEAR
    drawn = Image.fromarray(tile.pixels).resize((TILE_PX, TILE_PX), method)
    draw = ImageDraw.Draw(drawn)
    font = label_font(_FONT_PX)
    for box, number in zip(tile.boxes, tile.classes.tolist(), strict=True):
        if number < 0:
            continue
        y1, x1, y2, x2 = (float(side) * TILE_PX / px for side in box)
        draw_box(
            draw, (x1, y1, x2, y2), class_names[number], class_colour(number),
            font=font, font_px=_FONT_PX, line_px=2, right=TILE_PX,
        )  # fmt: skip
    return drawn
