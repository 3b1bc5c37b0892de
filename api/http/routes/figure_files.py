"""Figures of a campaign, and comparisons, as PDF."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.http.conditional_get import IfFigureModified
from api.http.dependencies import CampaignId, ServiceStore
from api.http.figure_files import FIGURE_FILES, figure_svg
from api.http.pdf_responses import PDF_FILE, WIDTH, PdfWidth, pdf_response
from api.http.pending_responses import PENDING
from api.http.routes.drawings import (
    At,
    ComparedCampaigns,
    ComparedFigure,
    ComparedTrials,
    compared_if_modified,
    sheet,
)
from nas_controller.drawings.comparison import comparison_figure, subject_of

router = APIRouter(tags=["results"])


@router.get(
    "/v1/campaigns/{campaign_id}/figures/{name}.pdf",
    dependencies=[IfFigureModified],
    response_class=Response,
    responses=PDF_FILE | PENDING,
    summary="Read a figure as PDF",
)
def figure_pdf(
    campaign_id: CampaignId,
    name: Annotated[str, Path(description=f"One of: {', '.join(FIGURE_FILES)}.")],
    store: ServiceStore,
    width: PdfWidth = WIDTH,
    at: At = None,
) -> Response:
    """The figure as one page of its own size, on white paper; its text can be searched and copied."""
    campaign = store.reads.get_campaign(campaign_id)
    return pdf_response(figure_svg(store, campaign_id, name, width, at), campaign.name, name)


@router.get("/v1/compare.pdf", response_class=Response, responses=PDF_FILE, summary="Read a comparison as PDF")
def comparison_pdf(
    request: Request,
    store: ServiceStore,
    figure: ComparedFigure,
    campaigns: ComparedCampaigns = None,
    trials: ComparedTrials = None,
    width: PdfWidth = WIDTH,
) -> Response:
    """The drawing of `compare.svg` as one page of its own size."""
    compared = compared_if_modified(request, store, campaigns, trials)
    subject = subject_of(store, compared)
    svg = comparison_figure(store, figure, compared, sheet(subject, None, width))
    return pdf_response(svg, subject, figure, name="compare")
