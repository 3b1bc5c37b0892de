"""The report of a campaign as an HTML page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.documents import BestDocument, CampaignDocument, FinalsReportDocument, HealthDocument
from api.http.conditional_get import NOT_MODIFIED, IfTrialsModified
from api.http.dependencies import CampaignId, ServiceSettings, ServiceStore
from api.http.figure_files import figure_svg
from api.http.routes.best import best_document
from api.http.routes.health import health_document
from api.report.documents import read_documents
from api.report.report import report_of
from api.report.web_page import security_policy, web_page
from api.settings import Settings
from nas_controller.campaigns.figures import FIGURES, compute
from nas_controller.campaigns.finals_report import finals_report
from nas_controller.drawings.sheet import NothingToDrawError
from nas_controller.store import NotFoundError, Store, as_json

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])


@router.get(
    "/report",
    dependencies=[IfTrialsModified],
    response_class=Response,
    responses={
        **NOT_MODIFIED,
        200: {"description": "The report.", "content": {"text/html": {"schema": {"type": "string"}}}},
    },
    summary="Read the report",
)
def report(campaign_id: CampaignId, store: ServiceStore, settings: ServiceSettings) -> Response:
    """Result, figures, best trials, finals, method, cost and how to reproduce, as one HTML file that needs nothing
    else. `effspine campaign report` writes it with a PDF.
    """
    page = web_page(report_of(read_documents(_Stored(store, settings), campaign_id)))
    return HTMLResponse(page, headers={"Content-Security-Policy": security_policy()})


class _Stored:
    """The documents of a report from the store, as `api.report.documents.Source` has them. Raises NotFoundError."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def campaign(self, campaign_id: str) -> CampaignDocument:
        return CampaignDocument.model_validate(self._store.reads.get_campaign(campaign_id).to_dict())

    def best(self, campaign_id: str, k: int) -> BestDocument:
        return BestDocument.model_validate_json(as_json(best_document(self._store, campaign_id, k)))

    def finals(self, campaign_id: str) -> FinalsReportDocument | None:
        if self._store.reads.get_campaign(campaign_id).finals is None:
            return None
        return finals_report(self._store, campaign_id)

    def figure(self, campaign_id: str, name: str) -> dict[str, Any] | None:
        return compute(self._store, campaign_id, name) if name in FIGURES else None

    def drawing(self, campaign_id: str, name: str, width_px: int) -> str | None:
        try:
            return figure_svg(self._store, campaign_id, name, width_px)
        except NothingToDrawError:
            return None
        except NotFoundError:
            self._store.reads.get_campaign(campaign_id)
            return None  # there is no best architecture yet

    def health(self) -> HealthDocument:
        return health_document(self._settings)
