"""Exports of a trial: files in one of the formats of `exporters`, made at once or by a process of their own."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response, status
from fastapi.responses import FileResponse

from api.documents import ExportDocument, ExportFormatDocument, ExportOptions, Page, TrialExportsDocument
from api.http.conditional_get import CACHE_CONTROL, NotModified
from api.http.dependencies import CampaignId, RequireJson, ServiceSettings, ServiceStore
from exporters import EXPORTERS, Export, Exporter
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.files import export_file, mark_used
from nas_controller.exports.requests import export_request
from nas_controller.exports.weights import weights_of
from nas_controller.states import WeightsWanted
from nas_controller.store import ConflictError, ExportRecord, NotFoundError, Store
from search_space.errors import InvalidValueError

FORMER_NAMES = {"json": "spec"}
"""Names that formats had in earlier versions; they are still accepted."""

BINARY = {"schema": {"type": "string", "format": "binary"}}
TEXTS = {"application/json": {"schema": {"type": "object"}}, "image/svg+xml": {"schema": {"type": "string"}}}
FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {each.media_type: TEXTS.get(each.media_type, BINARY) for each in EXPORTERS.values()},
    }
}
EXAMPLES = {
    "best": {"summary": "The best trial with the best weights that it has", "value": {"format": "detector"}},
    "initial": {
        "summary": "Another trial, untrained",
        "value": {"format": "detector", "trial": 0, "weights": "initial"},
    },
}

router = APIRouter(tags=["results"])

ExportId = Annotated[str, Path(description="Id of the export.", max_length=64)]
TrialNumber = Annotated[
    int | None,
    Query(ge=0, description="Number of the trial; default: the first of the best, as `/best` has them."),
]


@router.get("/v1/export-formats", summary="List the formats of exports")
def list_formats() -> Page[ExportFormatDocument]:
    """All formats: what each is for, and whether the service or a process of its own makes it."""
    items = [
        ExportFormatDocument(
            name=each.name,
            purpose=each.purpose,
            suffix=each.suffix,
            media_type=each.media_type,
            place=each.place,
        )
        for each in EXPORTERS.values()
    ]
    return Page(items=items, next_cursor=None)


@router.get("/v1/campaigns/{campaign_id}/exports", summary="Read what a trial can be exported with")
def read_all(
    campaign_id: CampaignId, store: ServiceStore, settings: ServiceSettings, trial: TrialNumber = None
) -> TrialExportsDocument:
    """The weights that the trial has, and the exports of it that were requested."""
    exported = find_exported(store, campaign_id, trial)
    number = exported.trial.number
    return TrialExportsDocument.model_validate(
        {
            "campaign_id": campaign_id,
            "trial": number,
            "weights": [
                {"kind": each.kind, "about": each.about} for each in weights_of(store, settings.data_dir, exported)
            ],
            "exports": [each.to_dict() for each in store.reads.exports_of_trial(campaign_id, number)],
        }
    )


@router.post(
    "/v1/campaigns/{campaign_id}/exports",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[RequireJson],
    summary="Request an export",
    responses={200: {"model": ExportDocument, "description": "It was made before."}},
)
def request_export(
    campaign_id: CampaignId,
    options: Annotated[ExportOptions, Body(openapi_examples=EXAMPLES)],
    response: Response,
    store: ServiceStore,
    settings: ServiceSettings,
) -> ExportDocument:
    """Has a process of its own make an export, one after another; `GET /v1/exports/{id}` shows its progress.

    The same request gets the same export, which is made once; one that has failed, or whose file was removed, is made
    again. Weights that the trial does not have are a 409 that says which it has. Formats that the service makes itself
    are refused (422): read those with GET.
    """
    exporter = _worker_format(options.format)
    exported = find_exported(store, campaign_id, options.trial)
    request = export_request(store, settings.data_dir, exported, exporter, options.weights)
    export = store.service.request_export(request)
    if export.state == "completed" and not export_file(settings.data_dir, export).is_file():
        store.runner.remove_export(export.id)
        export = store.service.request_export(request)
    response.headers["Location"] = f"/v1/exports/{export.id}"
    response.status_code = status.HTTP_200_OK if export.state == "completed" else status.HTTP_202_ACCEPTED
    return ExportDocument.model_validate(export.to_dict())


@router.get(
    "/v1/campaigns/{campaign_id}/exports/{format}",
    response_class=Response,
    summary="Export an architecture",
    responses=FILE,
)
def export(
    request: Request,
    campaign_id: CampaignId,
    format: Annotated[str, Path(description=f"One of: {', '.join(EXPORTERS)}.")],
    store: ServiceStore,
    settings: ServiceSettings,
    trial: TrialNumber = None,
    weights: Annotated[
        WeightsWanted | None,
        Query(description="For formats with weights; default: `best`, the best that the trial has."),
    ] = None,
) -> Response:
    """The best architecture (the one that finals rank first, if there were any) or that of `trial`, as a download with
    its provenance, which says whether it is confirmed.

    A format that the service does not make itself is a 409 until it is made; the problem says how to request it.
    """
    exporter = _format(format)
    exported = find_exported(store, campaign_id, trial)
    if exporter.place == "worker":
        wanted = export_request(store, settings.data_dir, exported, exporter, weights or "best")
        found = store.reads.find_export(wanted.cache_key)
        if found is None or found.state in ("failed", "removed"):
            body = f'{{"format": "{exporter.name}", "trial": {exported.trial.number}, "weights": "{wanted.weights}"}}'
            raise ConflictError(
                f"{exporter.name} of trial {exported.trial.number} is not made yet; request it with "
                f"POST /v1/campaigns/{campaign_id}/exports and {body}"
            )
        return _file(request, store, settings.data_dir, found)
    if weights is not None:
        raise InvalidValueError(f"the format '{exporter.name}' has no weights; leave `weights` out", field="weights")
    content = exporter.content(Export(exported.specification(), baseline=exported.baseline()))
    headers = {"Content-Disposition": f'attachment; filename="{exported.name}{exporter.suffix}"'}
    return Response(content, media_type=exporter.media_type, headers=headers)


@router.get("/v1/exports/{export_id}", summary="Read an export")
def read(export_id: ExportId, store: ServiceStore) -> ExportDocument:
    """Its state, its progress or its error, and the size and the digest of its file."""
    return ExportDocument.model_validate(store.reads.get_export(export_id).to_dict())


@router.get(
    "/v1/exports/{export_id}/file",
    response_class=Response,
    summary="Download an export",
    responses=FILE,
)
def download(request: Request, export_id: ExportId, store: ServiceStore, settings: ServiceSettings) -> Response:
    """The file, streamed, with its digest as `ETag`; byte ranges can be asked for. 409 while there is none."""
    return _file(request, store, settings.data_dir, store.reads.get_export(export_id))


def _file(request: Request, store: Store, data_dir: FilePath, export: ExportRecord) -> Response:
    """The file of an export. Raises ConflictError without one, and NotModified where the client has it."""
    if export.state != "completed":
        raise ConflictError(f"export '{export.id}' is {export.state}; GET /v1/exports/{export.id} shows its progress")
    path = export_file(data_dir, export)
    if not path.is_file():
        store.runner.remove_export(export.id)
        raise ConflictError(f"the file of export '{export.id}' is gone; request it again")
    headers = {"ETag": f'"{export.sha256}"', "Cache-Control": CACHE_CONTROL}
    known = [item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")]
    if headers["ETag"] in known:
        raise NotModified(headers)
    mark_used(path)
    return FileResponse(path, media_type=export.media_type, filename=export.file_name, headers=headers)


def _format(name: str) -> Exporter:
    """The format of this name. Raises NotFoundError."""
    name = FORMER_NAMES.get(name, name)
    if name not in EXPORTERS:
        raise NotFoundError(f"there is no format {name!r}; there are: {', '.join(EXPORTERS)}")
    return EXPORTERS[name]


def _worker_format(name: str) -> Exporter:
    """The format of this name that a process makes. Raises InvalidValueError."""
    names = [each.name for each in EXPORTERS.values() if each.place == "worker"]
    if name not in names:
        raise InvalidValueError(
            f"format is {name!r}; those that can be requested are: {', '.join(names)}", field="format", value=name
        )
    return EXPORTERS[name]
