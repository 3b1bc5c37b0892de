"""Draws labelled boxes into pictures."""

from __future__ import annotations

import colorsys
import io

from PIL import Image, ImageDraw, ImageFont

from search_space.display import displayed_line

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

_COLOURS: tuple[Colour, ...] = (
    *((230, 57, 70), (42, 157, 244), (247, 178, 36), (46, 196, 120), (190, 92, 240), (255, 126, 62)),
    *((0, 191, 191), (240, 98, 170), (150, 200, 40), (120, 130, 255)),
)
_GOLDEN_RATIO = 0.618034
_LONGEST_LABEL = 200


def class_colour(number: int) -> Colour:
    """The colour of a class: one of ten, then of evenly spread hues."""
    if number < len(_COLOURS):
        return _COLOURS[number]
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN_RATIO % 1, 0.75, 0.9)
    return round(255 * red), round(255 * green), round(255 * blue)


def label_font(size_px: float) -> Font:
    """The font of labels."""
    return ImageFont.load_default(size_px)


def draw_box(
    draw: ImageDraw.ImageDraw,
    box: tuple[float, float, float, float],
    label: str,
    colour: Colour,
    *,
    font: Font,
    font_px: int,
    line_px: int,
    right: float,
) -> None:
    """Draws a box (x1, y1, x2, y2) and its label above it, or in it at the top border.

    The label ends at `right`; it is cut to the width from the box to there, or to a third of it, if that is more.
    """
    x1, y1, x2, y2 = box
    draw.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=colour, width=line_px)
    text = fitting(draw, label, max(right - x1, right / 3) - 4, font)
    if text:
        width, height = draw.textlength(text, font) + 4, font_px + 3
        left, top = max(0.0, min(x1, right - width)), y1 - height if y1 >= height else y1
        draw.rectangle((left, top, left + width, top + height), fill=colour)
        draw.text((left + 2, top), text, (255, 255, 255), font)


def fitting(draw: ImageDraw.ImageDraw, text: str, width: float, font: Font) -> str:
    """The text in one line, cut to a width in pixels."""
    line = displayed_line(text)[:_LONGEST_LABEL]
    if draw.textlength(line, font) <= width:
        return line
    while line and draw.textlength(line + "...", font) > width:
        line = line[:-1]
    return line + "..." if line else ""


def png(drawn: Image.Image) -> bytes:
    """The content of a PNG file."""
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()
