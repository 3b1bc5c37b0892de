"""A report as a PDF document, A4, with its drawings as lines and texts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import KeepTogether, ListFlowable, ListItem, SimpleDocTemplate, Spacer, XPreformatted
from reportlab.platypus import Paragraph as Text
from reportlab.platypus import Table as Grid

from api.report.contents import Bullets, Code, Facts, Figure, Paragraph, Part, Report, Table
from exporters.pdf_fonts import MONO, SANS, SANS_BOLD, font_runs
from exporters.pdf_pages import drawing_of_svg

MARGIN = 18 * mm
WIDTH, HEIGHT = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
NAME_WIDTH = 30 * mm
CELL_PADDING = 5.0

_INK, _QUIET, _LINE, _BAND, _ACCENT = map(HexColor, ("#1a1f27", "#566070", "#c3cbd6", "#f4f6f9", "#1f5fbf"))
_BODY = ParagraphStyle("body", fontName=SANS, fontSize=9.5, leading=13.5, textColor=_INK, spaceAfter=5)
_TITLE = ParagraphStyle("title", _BODY, fontName=SANS_BOLD, fontSize=19, leading=23, spaceAfter=3)
_HEADING = ParagraphStyle("heading", _BODY, fontName=SANS_BOLD, fontSize=12.5, leading=16, spaceBefore=13, spaceAfter=6)
_QUIET_TEXT = ParagraphStyle("quiet", _BODY, fontSize=8.5, leading=11.5, textColor=_QUIET)
_RESULT = ParagraphStyle(
    "result",
    _BODY,
    fontSize=10.5,
    leading=15,
    backColor=_BAND,
    borderPadding=(7, 8, 8, 8),
    spaceBefore=10,
    spaceAfter=12,
)
_CELL = ParagraphStyle("cell", _BODY, fontSize=7.8, leading=10, spaceAfter=0)
_NUMBER = ParagraphStyle("number", _CELL, alignment=TA_RIGHT)
_CODE = ParagraphStyle("code", _BODY, fontName=MONO, fontSize=7.4, leading=9.6, backColor=_BAND, borderPadding=6)


def pdf_document(report: Report) -> bytes:
    """The PDF document."""
    content = io.BytesIO()
    title = f"{report.title}: report of a search"
    document = SimpleDocTemplate(
        content,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author=report.made_by,
        creator="effspine",
    )
    footer = partial(_footer, report)
    document.build(list(_flowables(report)), onFirstPage=footer, onLaterPages=footer)
    return content.getvalue()


def _footer(report: Report, canvas: Any, document: Any) -> None:
    """The campaign and the number of the page."""
    canvas.saveState()
    canvas.setFont(SANS, 7.5)
    canvas.setFillColor(_QUIET)
    canvas.drawString(MARGIN, 10 * mm, f"campaign {report.campaign_id}, {report.written_at:%Y-%m-%d %H:%M} UTC")
    canvas.drawRightString(A4[0] - MARGIN, 10 * mm, str(document.page))
    canvas.restoreState()


def _flowables(report: Report) -> Iterator[Any]:
    yield _text(report.title, _TITLE)
    yield _text(report.about, _QUIET_TEXT)
    yield _text(report.result, _RESULT)
    for section in report.sections:
        heading = _text(section.title, _HEADING)
        first, *others = [list(_DRAWN[type(part)](part)) for part in section.parts]
        yield KeepTogether([heading, *first])
        for part, flowables in zip(section.parts[1:], others, strict=True):
            yield from [KeepTogether(flowables)] if isinstance(part, Figure) else flowables


def _text(text: str, style: ParagraphStyle) -> Any:
    return Text(_markup(text, style.fontName), style)


def _markup(text: str, font: str) -> str:
    """A text as reportlab's markup, each part in a font that shows it."""
    runs = ((name, escape(part)) for name, part in font_runs(text, font))
    return "".join(part if name == font else f'<font name="{name}">{part}</font>' for name, part in runs)


def _paragraph(part: Paragraph) -> Iterator[Any]:
    yield _text(part.text, _BODY)


def _facts(part: Facts) -> Iterator[Any]:
    rows = [[_text(name, _QUIET_TEXT), _text(value, _BODY)] for name, value in part.rows]
    yield Grid(rows, colWidths=(NAME_WIDTH, WIDTH - NAME_WIDTH), style=_grid_style(0.0), hAlign="LEFT")
    yield Spacer(0, 4)


def _table(part: Table) -> Iterator[Any]:
    yield _text(part.caption, _QUIET_TEXT)
    styles = [_CELL if title in part.left else _NUMBER for title in part.titles]
    heads = [Text(f"<b>{_markup(title, SANS)}</b>", style) for title, style in zip(part.titles, styles, strict=True)]
    rows = [[_text(cell, style) for cell, style in zip(row, styles, strict=True)] for row in part.rows]
    lines = [("LINEBELOW", (0, 0), (-1, 0), 0.7, _INK), ("LINEBELOW", (0, 1), (-1, -1), 0.3, _LINE)]
    yield Grid(
        [heads, *rows], colWidths=_column_widths(part), style=[*_grid_style(2.0), *lines], repeatRows=1, hAlign="LEFT"
    )
    yield Spacer(0, 6)


def _column_widths(part: Table) -> list[float]:
    """As wide as the widest cell; a column of words takes what the numbers leave, titles may wrap."""
    cells = list(zip(*part.rows, strict=True)) if part.rows else [()] * len(part.titles)
    widths = []
    for title, column in zip(part.titles, cells, strict=True):
        words = max((stringWidth(word, SANS_BOLD, _CELL.fontSize) for word in title.split()), default=0.0)
        widest = max((stringWidth(cell, SANS, _CELL.fontSize) for cell in column), default=0.0)
        widths.append(max(words, widest) + 2 * CELL_PADDING + 1)
    excess = sum(widths) - WIDTH
    if excess > 0:
        widest_column = widths.index(max(widths))
        widths[widest_column] = max(60.0, widths[widest_column] - excess)
    return widths


def _grid_style(padding: float) -> list[Any]:
    return [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("LEFTPADDING", (1, 0), (-1, -1), CELL_PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), CELL_PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), padding),
        ("BOTTOMPADDING", (0, 0), (-1, -1), padding),
    ]


def _figure(part: Figure) -> Iterator[Any]:
    """A drawing as wide as the page, or as high as leaves room for its caption, and below a heading."""
    drawing = drawing_of_svg(part.svg)
    scale = min(WIDTH / drawing.width, (HEIGHT - 30 * mm) / drawing.height)
    drawing.scale(scale, scale)
    drawing.width, drawing.height = drawing.width * scale, drawing.height * scale
    caption = f"<b>Figure {part.number}.</b> {_markup(part.caption, SANS)}"
    yield from (drawing, Spacer(0, 3), Text(caption, _QUIET_TEXT), Spacer(0, 6))


def _bullets(part: Bullets) -> Iterator[Any]:
    items = [ListItem(_text(item, _BODY), leftIndent=10) for item in part.items]
    yield ListFlowable(items, bulletType="bullet", start="\N{BULLET}", bulletFontSize=8, leftIndent=10)


def _code(part: Code) -> Iterator[Any]:
    yield Spacer(0, 6)
    yield XPreformatted("\n".join(_markup(line, MONO) for line in part.text.splitlines()), _CODE)
    yield Spacer(0, 10)


_DRAWN: dict[type[Part], Callable[[Any], Iterator[Any]]] = {
    Paragraph: _paragraph,
    Facts: _facts,
    Table: _table,
    Figure: _figure,
    Bullets: _bullets,
    Code: _code,
}
