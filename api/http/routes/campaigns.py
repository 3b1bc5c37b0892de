"""Creating, listing, reading, changing, pausing and stopping campaigns."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response, status
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.documents import CampaignDocument, EstimateDocument, Page, PauseRequest
from api.http.conditional_get import UNCHANGED, UnlessCampaignUnchanged, UnlessNoneChanged
from api.http.dependencies import CampaignId, JsonBody, ReservedCampaignId, SettingsOfService, StoreOfService
from api.http.json_responses import json_answer
from nas_controller.campaigns.estimate import estimate
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import CampaignState
from search_space.datasets import dataset_path

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

EXAMPLES = {
    "digits": {
        "summary": "The demonstration: 12 trials on handwritten digits",
        "value": {
            "name": "digits",
            "dataset": "digits",
            "trials": 12,
            "parallelism": 1,
            "seed": 1,
            "search_space": {"base": "sp-efficientnet-b0", "budget_madds": None, "mode": "exact"},
            "controller": {"policy": "recurrent"},
            "proxy_task": {"profile": "laptop"},
        },
    },
    "synthetic": {
        "summary": "No data set and no training: the loop at work, for tests",
        "value": {"name": "first look", "trials": 40, "proxy_task": {"profile": "synthetic", "seconds": 1}},
    },
}


CHANGES = {
    "more": {"summary": "More trials, two at a time", "value": {"trials": 40, "parallelism": 2}},
    "bounds": {"summary": "An end after two device hours", "value": {"stop": {"device_hours": 2}}},
}


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[JsonBody], summary="Create a campaign")
def create(
    spec: Annotated[CampaignSpec, Body(openapi_examples=EXAMPLES)],
    response: Response,
    store: StoreOfService,
    settings: SettingsOfService,
    reserved_id: ReservedCampaignId,
    draft: Annotated[bool, Query(description="Let it wait, and be changed, until it is started.")] = False,
) -> CampaignDocument:
    """Creates a campaign in state `pending`, which the supervisor starts, or a `draft`. Everything but `name` has a
    default.
    """
    if spec.dataset is not None:
        dataset_path(settings.data_dir, spec.dataset)
    campaign = store.service.create_campaign(spec, reserved_id, draft=draft)
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return CampaignDocument.model_validate(campaign.to_dict())


@router.get(
    "",
    dependencies=[UnlessNoneChanged],
    responses=UNCHANGED,
    summary="List campaigns",
    response_model=Page[CampaignDocument],
)
def list_all(
    request: Request,
    store: StoreOfService,
    state: Annotated[CampaignState | None, Query(description="Only campaigns in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.", max_length=400)] = None,
) -> Response:
    """Campaigns, newest first."""

    def page() -> dict[str, Any]:
        listed = store.reads.list_campaigns(state=state, limit=limit, cursor=cursor)
        return {"items": [campaign.to_dict() for campaign in listed.items], "next_cursor": listed.next_cursor}

    return json_answer(request, page)


@router.get("/{campaign_id}", dependencies=[UnlessCampaignUnchanged], responses=UNCHANGED, summary="Read a campaign")
def read(campaign_id: CampaignId, store: StoreOfService) -> CampaignDocument:
    """What was asked for, how far it is, and its best so far."""
    return CampaignDocument.model_validate(store.reads.get_campaign(campaign_id).to_dict())


@router.post("/estimate", dependencies=[JsonBody], summary="Estimate what a campaign will take")
def estimate_one(
    spec: Annotated[CampaignSpec, Body(openapi_examples=EXAMPLES)], store: StoreOfService
) -> EstimateDocument:
    """Time and device hours of a campaign that is not created by this, from what trials of the same proxy task have
    taken in this record. Without such trials the figures are null.
    """
    return EstimateDocument.model_validate(estimate(store, spec).to_dict())


@router.patch("/{campaign_id}", dependencies=[JsonBody], summary="Change a campaign")
def update(
    campaign_id: CampaignId,
    patch: Annotated[dict[str, Any], Body(openapi_examples=CHANGES)],
    store: StoreOfService,
    settings: SettingsOfService,
) -> CampaignDocument:
    """Changes fields of the specification by a JSON merge patch (RFC 7396): fields that are not named stay, null takes
    a field's default. A draft may be changed in every way; later only `name`, `trials`, `parallelism`, `stop`,
    `resources`, `retries`, `trial_timeout_seconds` and `share`, until it is stopping or over (409).

    More workers on this machine, or other resources, begin when the trials in training have finished.
    """
    if isinstance(dataset := patch.get("dataset"), str):
        dataset_path(settings.data_dir, dataset)
    try:
        changed = store.service.update_campaign(campaign_id, patch)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error
    return CampaignDocument.model_validate(changed.to_dict())


@router.post("/{campaign_id}/start", summary="Start a draft")
def start(campaign_id: CampaignId, store: StoreOfService) -> CampaignDocument:
    """Makes a draft `pending`; the supervisor starts it. One that was started already is left as it is; one that is
    over answers 409.
    """
    return CampaignDocument.model_validate(store.service.start_campaign(campaign_id).to_dict())


@router.post("/{campaign_id}/pause", summary="Pause a campaign")
def pause(
    campaign_id: CampaignId, store: StoreOfService, request: Annotated[PauseRequest | None, Body()] = None
) -> CampaignDocument:
    """Asks the campaign to pause. It is `pausing` until its runner has let go: with `drain` when the trials in training
    have finished, with `abort` at once; those are tried again after it has been resumed.

    Asking again changes nothing, but `abort` hurries a drain. A campaign that is stopping or over answers 409.
    """
    mode = (request or PauseRequest()).mode
    return CampaignDocument.model_validate(store.service.request_pause(campaign_id, mode).to_dict())


@router.post("/{campaign_id}/resume", summary="Resume a campaign")
def resume(campaign_id: CampaignId, store: StoreOfService) -> CampaignDocument:
    """Lets a campaign that is paused, or still pausing, go on; the supervisor starts it.

    One that is neither changes nothing; a campaign that is stopping or over answers 409.
    """
    return CampaignDocument.model_validate(store.service.request_resume(campaign_id).to_dict())


@router.post("/{campaign_id}/stop", summary="Stop a campaign")
def stop(campaign_id: CampaignId, store: StoreOfService) -> CampaignDocument:
    """Asks the campaign to stop. It is `stopping` until its runner has let go of the trials in training.

    Asking again changes nothing; a campaign that has completed or failed answers 409.
    """
    return CampaignDocument.model_validate(store.service.request_stop(campaign_id).to_dict())
