"""SVG drawings as PDF: lines stay lines, and text stays text that can be searched and copied.

svglib reads the drawing and reportlab writes the page. A style sheet is not read as a browser would (media queries are
ignored), so drawings have their style in attributes.
"""

from __future__ import annotations

import io
from typing import Any

from reportlab.graphics import renderPDF
from reportlab.graphics.shapes import Drawing, Group, String
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from svglib.svglib import svg2rlg

from exporters.pdf_fonts import font_runs

_SHIFT = {"start": 0.0, "middle": 0.5, "end": 1.0}


def pdf_of_svg(svg: str, *, title: str) -> bytes:
    """A PDF document with the drawing as its only page, of the drawing's size.

    Equal drawings give equal bytes. Raises ValueError where the text is no SVG document.
    """
    drawing = drawing_of_svg(svg)
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=(drawing.width, drawing.height), invariant=True)
    canvas.setTitle(title)
    canvas.setCreator("effspine")
    renderPDF.draw(drawing, canvas, 0, 0)
    canvas.showPage()
    canvas.save()
    return content.getvalue()


def drawing_of_svg(svg: str) -> Any:
    """The drawing as reportlab's `Drawing`, in points, 0.75 for each px, whose texts have fonts that can show them.

    Raises ValueError where the text is no SVG document.
    """
    drawing = svg2rlg(io.BytesIO(svg.encode("utf-8")))
    if drawing is None or not isinstance(drawing, Drawing):
        raise ValueError(f"the text is no SVG document: {svg[:80]!r}")
    _use_fonts(drawing)
    return drawing


def _use_fonts(group: Any) -> None:
    """Replaces texts that need several fonts by one text for each."""
    for place, each in enumerate(group.contents):
        if isinstance(each, String):
            group.contents[place] = _in_fonts(each)
        elif isinstance(each, Group):
            _use_fonts(each)


def _in_fonts(text: Any) -> Any:
    runs = font_runs(text.text, text.fontName)
    if [font for font, _ in runs] == [text.fontName]:
        return text
    widths = [stringWidth(part, font, text.fontSize) for font, part in runs]
    x = text.x - _SHIFT[text.textAnchor] * sum(widths)
    texts = Group()
    for (font, part), width in zip(runs, widths, strict=True):
        texts.add(String(x, text.y, part, fontName=font, fontSize=text.fontSize, fillColor=text.fillColor))
        x += width
    return texts
