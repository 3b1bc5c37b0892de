"""What a trial finds in a few reserved images, beside the true boxes and what the baseline finds."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response, status

from api.documents import DetectionsDocument, DetectionsOptions, ExportDocument
from api.http.dependencies import CampaignId, RequireJson, ServiceSettings, ServiceStore
from api.http.export_files import file_headers, found_file, requested
from api.http.routes.exports import ExportId
from nas_controller.exports.detections import (
    BASELINE,
    DETECTIONS,
    TRIAL,
    compared,
    detections_request,
    read_detections,
    read_member,
)
from nas_controller.exports.files import mark_used
from nas_controller.store import ConflictError, ExportRecord, NotFoundError, Store
from search_space.detector import SHOWN_SCORE

PICTURE_TYPE = "image/jpeg"
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {PICTURE_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}
EXAMPLES = {
    "default": {"summary": "With the usual lowest score", "value": {}},
    "low": {"summary": "For a detector that was trained briefly", "value": {"lowest_score": 0.05}},
}

router = APIRouter(tags=["results"])

Number = Annotated[int, Path(ge=0, description="Number of the trial.")]
LowestScore = Annotated[float, Query(ge=0, le=1, description="Objects with a lower score are left out.")]
PictureName = Annotated[
    str, Path(description="As `images` of the detections have it.", pattern=r"^[0-9]{1,3}-[a-z]{1,20}\.jpg$")
]


@router.get("/v1/campaigns/{campaign_id}/trials/{number}/detections", summary="Read sample detections")
def read(
    campaign_id: CampaignId,
    number: Number,
    store: ServiceStore,
    settings: ServiceSettings,
    lowest_score: LowestScore = SHOWN_SCORE,
) -> DetectionsDocument:
    """What the trial and the baseline find in a few reserved images, once it was requested and made.

    Both have weights of the same kind: those of the finals, or slices of the shared weights, as exports have them.
    `unavailable` says why a trial has none; the weights of one that was trained alone are not kept.
    """
    document: dict[str, Any] = {"campaign_id": campaign_id, "trial": number, "lowest_score": lowest_score}
    names = ("unavailable", "about", "baseline_about", "export", "of_images", "images")
    document |= dict.fromkeys(names)
    try:
        pair = compared(store, settings.data_dir, campaign_id, number)
    except ConflictError as error:
        return DetectionsDocument.model_validate(document | {"unavailable": str(error)})
    document |= {"about": pair.weights.about, "baseline_about": pair.baseline_weights.about}
    export = store.reads.find_export(detections_request(pair, lowest_score).cache_key)
    if export is None:
        return DetectionsDocument.model_validate(document)
    made: dict[str, Any] = {}
    if export.state == "completed":
        try:
            made = _made(store, settings.data_dir, export)
        except ConflictError:  # its file is gone
            export = store.reads.get_export(export.id)
    return DetectionsDocument.model_validate(document | {"export": export.to_dict(), **made})


@router.post(
    "/v1/campaigns/{campaign_id}/trials/{number}/detections",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[RequireJson],
    summary="Request sample detections",
    responses={200: {"model": ExportDocument, "description": "They were made before."}},
)
def request(
    campaign_id: CampaignId,
    number: Number,
    options: Annotated[DetectionsOptions, Body(openapi_examples=EXAMPLES)],
    response: Response,
    store: ServiceStore,
    settings: ServiceSettings,
) -> ExportDocument:
    """Has a process of its own make them, as an export: `GET /v1/exports/{id}` shows its progress, and its file is an
    archive of all pictures and a JSON document. A trial without such weights is a 409 that says why.
    """
    pair = compared(store, settings.data_dir, campaign_id, number)
    return requested(store, settings.data_dir, detections_request(pair, options.lowest_score), response)


@router.get(
    "/v1/exports/{export_id}/pictures/{name}",
    response_class=Response,
    summary="Read a picture of sample detections",
    responses=PICTURE,
)
def picture(
    request: Request, export_id: ExportId, name: PictureName, store: ServiceStore, settings: ServiceSettings
) -> Response:
    """One image with boxes: the true ones, those of the trial, or those of the baseline. 409 until it is made."""
    export = store.reads.get_export(export_id)
    if export.format != DETECTIONS:
        raise NotFoundError(f"export '{export_id}' is a {export.format}, which has no pictures")
    path = found_file(store, settings.data_dir, export)
    headers = file_headers(request, export.sha256)
    try:
        content = read_member(path, name)
    except KeyError:
        raise NotFoundError(f"export '{export_id}' has no picture {name!r}") from None
    mark_used(path)
    return Response(content, media_type=PICTURE_TYPE, headers=headers)


def _made(store: Store, data_dir: FilePath, export: ExportRecord) -> dict[str, Any]:
    """The images of a completed export."""
    found = read_detections(found_file(store, data_dir, export))
    return {"of_images": found["of_images"], "images": [_image(export.id, each) for each in found["images"]]}


def _image(export_id: str, found: dict[str, Any]) -> dict[str, Any]:
    facts = {name: found[name] for name in ("file_name", "width", "height")}
    objects = {name: found["objects"].get(name) for name in ("truth", TRIAL, BASELINE)}
    pictures = {
        f"{name}_picture": f"/v1/exports/{export_id}/pictures/{found['pictures'][name]}" if each is not None else None
        for name, each in objects.items()
    }
    return {**facts, **objects, **pictures}
