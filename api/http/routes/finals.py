"""The finals of a campaign: reading them, and running them, or more of them, after the search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response, status
from pydantic import ValidationError

from api.documents import CampaignDocument, FinalsReportDocument
from api.http.conditional_get import NOT_MODIFIED, IfTrialsModified
from api.http.dependencies import CampaignId, RequireJson, ServiceStore
from api.http.invalid_inputs import InvalidDocumentError
from api.http.json_responses import json_response
from nas_controller.campaigns.finals_report import finals_report
from nas_controller.search.finals_spec import FinalsSpec

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["results"])

EXAMPLES = {
    "seeds": {"summary": "Ten seeds instead of five", "value": {"seeds": 10}},
    "candidates": {"summary": "Two more candidates, with all seeds", "value": {"top": 5}},
}


@router.get(
    "/finals",
    dependencies=[IfTrialsModified],
    responses=NOT_MODIFIED,
    summary="Read the finals",
    response_model=FinalsReportDocument,
)
def read(request: Request, campaign_id: CampaignId, store: ServiceStore) -> Response:
    """The finalists and the uniform baseline, trained alone with the same seeds: the verdict, the paired mean
    differences with their intervals, and every training. 404 before they begin.
    """
    return json_response(request, lambda: finals_report(store, campaign_id).to_dict())


@router.post(
    "/finals", status_code=status.HTTP_202_ACCEPTED, dependencies=[RequireJson], summary="Run finals, or more of them"
)
def begin(
    campaign_id: CampaignId, finals: Annotated[FinalsSpec, Body(openapi_examples=EXAMPLES)], store: ServiceStore
) -> CampaignDocument:
    """Runs finals after a search that was completed or stopped, or continues them with more seeds or candidates. Fields
    that are not given stay as they are in the specification's `finals`, or have their defaults.

    Finalists and seeds of earlier finals stay, with their results; profile, overrides and `first_seed` cannot change
    (409). The campaign is `running` until the finals are over, then as it was before. For one that has not ended, that
    has failed or whose finals are done with these seeds and candidates the response is 409.
    """
    try:
        changed = store.service.request_finals(campaign_id, finals.model_dump(exclude_unset=True))
    except ValidationError as error:
        of_finals = [{**each, "loc": each["loc"][1:]} for each in error.errors()]
        raise InvalidDocumentError(of_finals, FinalsSpec) from error
    return CampaignDocument.model_validate(changed.to_dict())
