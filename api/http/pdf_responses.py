"""Figures as PDF: one page of the figure's own size, whose text can be searched and copied."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response

from api.http.conditional_get import NOT_MODIFIED
from api.report.documents import FIGURE_WIDTH_PX
from nas_controller.drawings.sheet import MAX_WIDTH, MIN_WIDTH
from nas_controller.exports.exported_trial import file_stem

PDF = "application/pdf"
PDF_FILE: dict[int | str, dict[str, Any]] = {
    **NOT_MODIFIED,
    200: {"description": "The file.", "content": {PDF: {"schema": {"type": "string", "format": "binary"}}}},
}
WIDTH = FIGURE_WIDTH_PX
PdfWidth = Annotated[int, Query(ge=MIN_WIDTH, le=MAX_WIDTH, description="Width in px that it is laid out for.")]


def pdf_response(svg: str, subject: str, figure: str, name: str | None = None) -> Response:
    """A figure on white paper as a PDF file: titled after its subject, such as a campaign, and the figure, and named
    after `name` and the figure. `name` None is the subject.
    """
    from exporters.pdf_pages import pdf_of_svg

    headers = {"Content-Disposition": f'attachment; filename="{file_stem(name or subject)}-{figure}.pdf"'}
    return Response(pdf_of_svg(svg, title=f"{subject}: {figure}"), media_type=PDF, headers=headers)
