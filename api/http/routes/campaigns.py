"""Creating, listing, reading, changing and controlling campaigns."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response, status
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from api.documents import CampaignDocument, CampaignPage, DryRunDocument, EstimateDocument, PauseRequest
from api.http.conditional_get import NOT_MODIFIED, IfCampaignListModified, IfCampaignModified
from api.http.dependencies import CampaignId, RequireJson, ReservedCampaignId, ServiceSettings, ServiceStore
from api.http.invalid_inputs import InvalidDocumentError
from api.http.json_responses import json_response
from nas_controller.campaigns.campaign_summaries import CampaignSummaries, Included
from nas_controller.campaigns.dry_run import dry_run as dry_run_of
from nas_controller.campaigns.estimate import estimate
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import ArchivedFilter, CampaignOrder, CampaignState
from nas_controller.store import CampaignFilter
from nas_controller.supervision.campaign_deletion import delete_campaign
from search_space.datasets import dataset_path

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])
log = logging.getLogger("effspine.api")

EXAMPLES = {
    "digits": {
        "summary": "The demo: 12 trials on handwritten digits",
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
        "summary": "No data set and no training, for tests of the search itself",
        "value": {"name": "first look", "trials": 40, "proxy_task": {"profile": "synthetic", "seconds": 1}},
    },
}


CHANGES = {
    "more": {"summary": "More trials, two at a time", "value": {"trials": 40, "parallelism": 2}},
    "bounds": {"summary": "Stop after two device hours", "value": {"stop": {"device_hours": 2}}},
    "finals": {"summary": "Compare the best with the baseline at the end", "value": {"finals": {"top": 3, "seeds": 5}}},
    "annotations": {
        "summary": "Notes, tags and the archive, in any state",
        "value": {"notes": "night shots only", "tags": ["cars", "night"], "archived": True},
    },
}
ORDERS = (
    "`-` sorts in descending order. `state` is in the order of a campaign's life, from draft to failed; `progress` is "
    "the share of its trials that are finished; `gain` is that of the finals or, without, of the rewards. Campaigns "
    "without the value come last."
)


DRY_RUN: dict[int | str, dict[str, Any]] = {
    200: {"model": DryRunDocument, "description": "What a dry run found; nothing was created."}
}


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[RequireJson],
    responses=DRY_RUN,
    summary="Create a campaign",
    response_model=CampaignDocument,
)
def create(
    spec: Annotated[CampaignSpec, Body(openapi_examples=EXAMPLES)],
    response: Response,
    store: ServiceStore,
    settings: ServiceSettings,
    reserved_id: ReservedCampaignId,
    draft: Annotated[
        bool, Query(description="Create a draft, which can be changed and runs only once it is started.")
    ] = False,
    dry_run: Annotated[
        bool,
        Query(description="Create nothing: respond with 200 and what would be created, or as a creation is refused."),
    ] = False,
) -> CampaignDocument | Response:
    """Creates a campaign in state `pending`, which the supervisor starts, or in state `draft`. All fields but `name`
    have defaults.
    """
    if spec.dataset is not None:
        dataset_path(settings.data_dir, spec.dataset)
    if dry_run:
        return JSONResponse(dry_run_of(store, spec, settings.data_dir).model_dump(mode="json"))
    campaign = store.service.create_campaign(spec, reserved_id, draft=draft)
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return CampaignDocument.model_validate(campaign.to_dict())


@router.get(
    "",
    dependencies=[IfCampaignListModified],
    responses=NOT_MODIFIED,
    summary="List campaigns",
    response_model=CampaignPage,
)
def list_all(
    request: Request,
    store: ServiceStore,
    state: Annotated[
        list[CampaignState] | None, Query(description="Only campaigns in this state; may be repeated.")
    ] = None,
    q: Annotated[
        str,
        Query(max_length=100, description="Only campaigns with this text in the name, the id or a tag, in any case."),
    ] = "",
    tag: Annotated[str | None, Query(max_length=100, description="Only campaigns with this tag.")] = None,
    archived: Annotated[
        ArchivedFilter, Query(description="`true` for archived campaigns alone, `any` for them too.")
    ] = "false",
    sort: Annotated[CampaignOrder, Query(description=ORDERS)] = "-created",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.", max_length=1_500)] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Skips so many, to jump to a page.")] = 0,
    include: Annotated[
        list[Included] | None,
        Query(description="What else of each: `search` for `summary.search`, `spark` for `summary.best_so_far`."),
    ] = None,
) -> Response:
    """Campaigns in the given order, those that are archived left out unless asked for. `total` counts the campaigns of
    all pages, and `by_state` those of each state that the rest of the filter leaves.
    """
    wanted = CampaignFilter(tuple(state or ()), q, tag, archived)
    summaries: CampaignSummaries = request.app.state.campaign_summaries

    def page() -> dict[str, Any]:
        listed = store.reads.list_campaigns(wanted, order_by=sort, limit=limit, cursor=cursor, offset=offset)
        found = summaries.of(listed.items, include or ())
        items = [{**each.to_dict(), "summary": found[each.id].to_dict()} for each in listed.items if each.id in found]
        counts = {"total": listed.total, "by_state": listed.by_state}
        return {"items": items, "next_cursor": listed.next_cursor, **counts}

    return json_response(request, page)


@router.get("/{campaign_id}", dependencies=[IfCampaignModified], responses=NOT_MODIFIED, summary="Read a campaign")
def read(campaign_id: CampaignId, store: ServiceStore) -> CampaignDocument:
    """Its specification, its progress and its best reward so far."""
    return CampaignDocument.model_validate(store.reads.get_campaign(campaign_id).to_dict())


@router.post("/estimate", dependencies=[RequireJson], summary="Estimate the duration of a campaign")
def estimate_one(
    spec: Annotated[CampaignSpec, Body(openapi_examples=EXAMPLES)], store: ServiceStore, settings: ServiceSettings
) -> EstimateDocument:
    """Time and device hours of a campaign, from the durations of earlier trials of the same proxy task, and of its
    shared training and finals likewise. Without such the numbers are null. The campaign is not created, and refused as
    if it were.
    """
    if spec.dataset is not None:
        dataset_path(settings.data_dir, spec.dataset)
    return estimate(store, spec, settings.data_dir)


@router.patch("/{campaign_id}", dependencies=[RequireJson], summary="Change a campaign")
def update(
    campaign_id: CampaignId,
    patch: Annotated[dict[str, Any], Body(openapi_examples=CHANGES)],
    request: Request,
    store: ServiceStore,
    settings: ServiceSettings,
) -> CampaignDocument:
    """Changes fields of the specification by a JSON merge patch (RFC 7396): fields that are not named do not change,
    null resets a field to its default. All fields of a draft can be changed; later only `name`, `trials`,
    `parallelism`, `stop`, `finals`, `resources`, `retries`, `trial_timeout_seconds`, `max_failures`,
    `max_consecutive_failures` and `share`, until the campaign is stopping or finished (409). While its finals run,
    `trials` and `finals` cannot (409).

    A completed campaign is continued by a larger number of `trials`: it is `running` again, with what its controller
    has learned, and its finals follow again. If a stop condition had ended it, the patch must change that too (422).
    So is a stopped one by any `trials` above those that are finished, unless it was stopped in its finals (409).

    More workers on this machine, or other resources, take effect when the trials in training have finished.

    `notes`, `tags` and `archived` can be changed in every state, and have no effect on the search, its replay or its
    exports. `tags` replaces all tags; they are written in lower case, each once.
    """
    if isinstance(dataset := patch.get("dataset"), str):
        dataset_path(settings.data_dir, dataset)
    try:
        changed = store.service.update_campaign(campaign_id, patch, by=request.state.caller.name or None)
    except ValidationError as error:
        raise InvalidDocumentError(error.errors(), CampaignSpec) from error
    return CampaignDocument.model_validate(changed.to_dict())


@router.delete("/{campaign_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Delete a campaign")
def delete(campaign_id: CampaignId, request: Request, store: ServiceStore, settings: ServiceSettings) -> None:
    """Deletes a campaign that has ended, or a draft, with its trials, events, detectors and exports. In another state,
    and while one of its exports is made, the response is 409. Trainings of its trials stay.
    """
    delete_campaign(store, settings.data_dir, campaign_id)
    log.info("campaign %s was deleted by %s", campaign_id, request.state.caller.name or "a local user")


@router.post("/{campaign_id}/start", summary="Start a draft")
def start(campaign_id: CampaignId, store: ServiceStore) -> CampaignDocument:
    """Makes a draft `pending`; the supervisor starts it. A started campaign does not change; for a finished one the
    response is 409.
    """
    return CampaignDocument.model_validate(store.service.start_campaign(campaign_id).to_dict())


@router.post("/{campaign_id}/pause", summary="Pause a campaign")
def pause(
    campaign_id: CampaignId, store: ServiceStore, request: Annotated[PauseRequest | None, Body()] = None
) -> CampaignDocument:
    """Requests a pause. The campaign is `pausing` until its runner has stopped: with `drain` once the trials in
    training have finished, with `abort` at once; aborted trials are retried after `resume`.

    A repeated request changes nothing, except that `abort` replaces `drain`. For a campaign that is stopping or
    finished the response is 409.
    """
    mode = (request or PauseRequest()).mode
    return CampaignDocument.model_validate(store.service.request_pause(campaign_id, mode).to_dict())


@router.post("/{campaign_id}/resume", summary="Resume a campaign")
def resume(campaign_id: CampaignId, store: ServiceStore) -> CampaignDocument:
    """Resumes a campaign that is paused or pausing; the supervisor starts it.

    A campaign that is neither does not change; for one that is stopping or finished the response is 409.
    """
    return CampaignDocument.model_validate(store.service.request_resume(campaign_id).to_dict())


@router.post("/{campaign_id}/retry", summary="Retry a failed campaign")
def retry(campaign_id: CampaignId, store: ServiceStore) -> CampaignDocument:
    """Lets a failed campaign continue, once the cause is fixed; the supervisor starts it.

    Finished trials keep their outcomes. Trials that had none are attempted again, from their first step, with all of
    their `retries`; failures so far do not count towards `max_failures` and `max_consecutive_failures`. A campaign that
    has not failed responds with 409.
    """
    return CampaignDocument.model_validate(store.service.request_retry(campaign_id).to_dict())


@router.post("/{campaign_id}/stop", summary="Stop a campaign")
def stop(campaign_id: CampaignId, store: ServiceStore) -> CampaignDocument:
    """Requests a stop. The campaign is `stopping` until its runner has abandoned the trials in training.

    A repeated request changes nothing; for a campaign that has completed or failed the response is 409.
    """
    return CampaignDocument.model_validate(store.service.request_stop(campaign_id).to_dict())
