"""Figures of a campaign as PDF."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.http.conditional_get import NOT_MODIFIED, IfFigureModified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.figure_files import FIGURE_FILES, figure_svg
from api.http.routes.drawings import At
from api.report.documents import FIGURE_WIDTH_PX
from nas_controller.drawings.sheet import MAX_WIDTH, MIN_WIDTH
from nas_controller.exports.exported_trial import file_stem

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/figures", tags=["results"])

PDF = "application/pdf"


@router.get(
    "/{name}.pdf",
    dependencies=[IfFigureModified],
    response_class=Response,
    responses={
        **NOT_MODIFIED,
        200: {"description": "The file.", "content": {PDF: {"schema": {"type": "string", "format": "binary"}}}},
    },
    summary="Read a figure as PDF",
)
def figure_pdf(
    campaign_id: CampaignId,
    name: Annotated[str, Path(description=f"One of: {', '.join(FIGURE_FILES)}.")],
    store: ServiceStore,
    width: Annotated[
        int, Query(ge=MIN_WIDTH, le=MAX_WIDTH, description="Width in px that it is laid out for.")
    ] = FIGURE_WIDTH_PX,
    at: At = None,
) -> Response:
    """The figure as one page of its own size, on white paper; its text can be searched and copied."""
    from exporters.pdf_pages import pdf_of_svg

    campaign = store.reads.get_campaign(campaign_id)
    content = pdf_of_svg(figure_svg(store, campaign_id, name, width, at), title=f"{campaign.name}: {name}")
    headers = {"Content-Disposition": f'attachment; filename="{file_stem(campaign.name)}-{name}.pdf"'}
    return Response(content, media_type=PDF, headers=headers)
