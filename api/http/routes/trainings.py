"""Trainings of one network: requests, progress, history, and the model of the best evaluation."""

from __future__ import annotations

import errno
import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, HTTPException, Query, Request, Response, status
from fastapi.responses import FileResponse
from sse_starlette import EventSourceResponse

from api.documents import Page, TrainingDocument, TrainingRowDocument, TrainingSpec
from api.http.dependencies import RequireJson, ReservedCampaignId, ServiceSettings, ServiceStore, TrainingId
from api.http.event_stream import Events, event_stream
from api.http.export_files import file_headers
from nas_controller.states import FINISHED_TRAINING_STATES, TrainingState
from nas_controller.trainings.exports import no_model_error
from nas_controller.trainings.files import history_rows
from nas_controller.trainings.model_archive import model_archive
from nas_controller.trainings.requests import model_name, training_request

router = APIRouter(prefix="/v1/trainings", tags=["trainings"])

EXAMPLES = {
    "trial": {
        "summary": "The best trial of a campaign, from fresh weights",
        "value": {"campaign_id": "c_1m81wbxdc99wfqbs", "dataset": "digits", "recipe": "laptop-final", "seed": 1},
    },
    "model": {
        "summary": "A model by its name, with other epochs",
        "value": {
            "architecture": "Eff-SpineNet-D0",
            "dataset": "digits",
            "recipe": "laptop-final",
            "overrides": {"epochs": 8},
        },
    },
}
EVENTS_EXAMPLE = """\
id: 1
data: {"sequence":1,"at":"2026-11-22T15:00:34.860895Z","kind":"training.created","data":{"name":"cars"}}
retry: 1000

event: end
data: {}

"""
MODEL: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[RequireJson], summary="Train a network")
def create(
    spec: Annotated[TrainingSpec, Body(openapi_examples=EXAMPLES)],
    response: Response,
    store: ServiceStore,
    settings: ServiceSettings,
    reserved_id: ReservedCampaignId,
) -> TrainingDocument:
    """Queues a training of a trial of a campaign, or of another architecture, with a recipe of `effspine train`.

    The supervisor has it done by a Ray worker with its `resources`: on its machine, beside the campaigns and one after
    another, or on its cluster. Start weights that the trial
    does not have are a 409 that says which it has.
    """
    request = training_request(store, settings.data_dir, spec)
    training_id = None if reserved_id is None else re.sub("^c_", "t_", reserved_id)
    training = store.service.create_training(request, training_id)
    response.headers["Location"] = f"/v1/trainings/{training.id}"
    return TrainingDocument.model_validate(training.to_dict())


@router.get("", summary="List trainings")
def list_all(
    store: ServiceStore,
    state: Annotated[TrainingState | None, Query(description="Only trainings in this state.")] = None,
    campaign_id: Annotated[str | None, Query(description="Only those of its trials.", max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.", max_length=400)] = None,
) -> Page[TrainingDocument]:
    """Trainings, newest first."""
    listed = store.reads.list_trainings(state, campaign_id, limit, cursor)
    items = [TrainingDocument.model_validate(training.to_dict()) for training in listed.items]
    return Page(items=items, next_cursor=listed.next_cursor)


@router.get("/{training_id}", summary="Read a training")
def read(training_id: TrainingId, store: ServiceStore) -> TrainingDocument:
    """What is trained, how far it is, its best figures and its cost."""
    return TrainingDocument.model_validate(store.reads.get_training(training_id).to_dict())


@router.get(
    "/{training_id}/events",
    response_class=EventSourceResponse,
    responses={200: {"description": "The stream.", "content": {"text/event-stream": {"example": EVENTS_EXAMPLE}}}},
    summary="Follow a training",
)
def events(
    training_id: TrainingId,
    store: ServiceStore,
    request: Request,
    after: Annotated[int, Query(ge=0, description="Only events later than this sequence.")] = 0,
    last_event_id: Annotated[str | None, Header(description="As `after`; sent by clients that reconnect.")] = None,
) -> EventSourceResponse:
    """All events, then new ones as they happen, as those of a campaign: `{sequence, at, kind, data}`.

    Kinds are `training.created`, `started`, `evaluated`, `interrupted`, `stopping`, `stopped`, `resumed`, `completed`
    and `failed`. The stream ends with an event named `end` once the training is over; one that was resumed is not.
    """
    training = store.reads.get_training(training_id)
    history = Events(
        training_id,
        store.reads.training_events_after,
        frozenset(f"training.{state}" for state in FINISHED_TRAINING_STATES),
        last=training.last_event if training.state in FINISHED_TRAINING_STATES else None,
    )
    return event_stream(request, history, after, last_event_id)


@router.get("/{training_id}/history", summary="Read the history of a training")
def history(
    training_id: TrainingId,
    store: ServiceStore,
    settings: ServiceSettings,
    after: Annotated[int, Query(ge=-1, description="Only steps later than this one.")] = -1,
) -> Page[TrainingRowDocument]:
    """Its logged steps with losses, learning rate, and metrics where it was evaluated: some 2,000 rows at most, so they
    are one page. Steps after the last checkpoint of a process that was killed are replaced.
    """
    training = store.reads.get_training(training_id)
    return Page(items=history_rows(settings.data_dir, training.id, after), next_cursor=None)


@router.get("/{training_id}/model", response_class=Response, responses=MODEL, summary="Download the best model")
def model(request: Request, training_id: TrainingId, store: ServiceStore, settings: ServiceSettings) -> Response:
    """The model directory of the best evaluation so far, as a ZIP file: what `effspine predict`, `effspine evaluate`
    and `effspine export` read. The file is made once and streamed, with its digest as `ETag`; byte ranges can be asked
    for. 409 before the first evaluation.
    """
    training = store.reads.get_training(training_id)
    name = model_name(training.name)
    try:
        archive = model_archive(settings.data_dir, training.id, name)
    except OSError as error:
        detail = f"the file of the model of training '{training.id}' cannot be written: {error.strerror}"
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        code = status.HTTP_507_INSUFFICIENT_STORAGE if is_full else status.HTTP_500_INTERNAL_SERVER_ERROR
        raise HTTPException(code, detail) from error
    if archive is None:
        raise no_model_error(training)
    headers = file_headers(request, archive.sha256)
    return FileResponse(archive.path, media_type="application/zip", filename=f"{name}.zip", headers=headers)


@router.post("/{training_id}/stop", summary="Stop a training")
def stop(training_id: TrainingId, store: ServiceStore) -> TrainingDocument:
    """Requests a stop. The training is `stopping` until its process has saved a checkpoint; a queued one is stopped at
    once. A repeated request changes nothing; for a training that has completed or failed the response is 409.
    """
    return TrainingDocument.model_validate(store.service.stop_training(training_id).to_dict())


@router.post("/{training_id}/resume", summary="Resume a training")
def resume(training_id: TrainingId, store: ServiceStore) -> TrainingDocument:
    """Queues a stopped or failed training, which continues from its checkpoint, to the bit.

    One that is queued or running does not change; for one that is stopping or has completed the response is 409.
    """
    return TrainingDocument.model_validate(store.service.resume_training(training_id).to_dict())
