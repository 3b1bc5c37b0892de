"""Exports of a trial or a training: files in a format of `exporters`, made at once or by a process of their own."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response, status

from api.documents import (
    ExportDocument,
    ExportFormatDocument,
    ExportOptions,
    ExportsDocument,
    Page,
    TrainingExportOptions,
)
from api.http.dependencies import CampaignId, RequireJson, ServiceSettings, ServiceStore, TrainingId
from api.http.export_files import export_response, requested
from exporters import EXPORTERS, Export, Exporter
from exporters.svg import drawing
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.requests import export_request
from nas_controller.exports.weights import weights_of
from nas_controller.states import WeightsWanted
from nas_controller.store import ConflictError, ExportRecord, ExportRequest, NotFoundError, Store
from nas_controller.trainings.exports import WEIGHTS, trained_model, training_export_request
from nas_controller.trainings.requests import model_name
from search_space.diagram.style import Style
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

TRAINING_EXAMPLES = {"onnx": {"summary": "For onnxruntime and others", "value": {"format": "onnx"}}}

router = APIRouter(tags=["results"])

FormatName = Annotated[str, Path(description=f"One of: {', '.join(EXPORTERS)}.")]
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
) -> ExportsDocument:
    """The weights that the trial has, and the exports of it that were requested."""
    exported = find_exported(store, campaign_id, trial)
    number = exported.trial.number
    weights = [{"kind": each.kind, "about": each.about} for each in weights_of(store, settings.data_dir, exported)]
    exports = [each.to_dict() for each in store.reads.exports_of_trial(campaign_id, number)]
    of_trial = {"campaign_id": campaign_id, "trial": number, "training_id": None}
    return ExportsDocument.model_validate({**of_trial, "weights": weights, "exports": exports})


@router.get("/v1/trainings/{training_id}/exports", summary="Read what a training can be exported with")
def read_all_of_training(training_id: TrainingId, store: ServiceStore, settings: ServiceSettings) -> ExportsDocument:
    """Its best model so far, and the exports of the training that were requested, those of earlier best models too.
    409 before the first evaluation, 422 where its model is no detector of this search space.
    """
    trained = trained_model(settings.data_dir, store.reads.get_training(training_id))
    exports = [each.to_dict() for each in store.reads.exports_of_training(training_id)]
    of_training = {"campaign_id": None, "trial": None, "training_id": training_id}
    weights = [{"kind": WEIGHTS, "about": trained.about}]
    return ExportsDocument.model_validate({**of_training, "weights": weights, "exports": exports})


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
    return requested(store, settings.data_dir, request, response)


@router.post(
    "/v1/trainings/{training_id}/exports",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[RequireJson],
    summary="Request an export of a training",
    responses={200: {"model": ExportDocument, "description": "It was made before."}},
)
def request_export_of_training(
    training_id: TrainingId,
    options: Annotated[TrainingExportOptions, Body(openapi_examples=TRAINING_EXAMPLES)],
    response: Response,
    store: ServiceStore,
    settings: ServiceSettings,
) -> ExportDocument:
    """Has the best model so far exported, as those of a trial are. A better one later is another export.

    409 before the first evaluation, 422 where the model is no detector of this search space.
    """
    exporter = _worker_format(options.format)
    trained = trained_model(settings.data_dir, store.reads.get_training(training_id))
    return requested(store, settings.data_dir, training_export_request(trained, exporter), response)


@router.get(
    "/v1/campaigns/{campaign_id}/exports/{format}",
    response_class=Response,
    summary="Export an architecture",
    responses=FILE,
)
def export(
    request: Request,
    campaign_id: CampaignId,
    format: FormatName,
    store: ServiceStore,
    settings: ServiceSettings,
    trial: TrialNumber = None,
    weights: Annotated[
        WeightsWanted | None,
        Query(description="For formats with weights; default: `best`, the best that the trial has."),
    ] = None,
    style: Annotated[
        Style | None,
        Query(description="Of `svg`, default `paper`: white, with a caption; `page` follows a page's theme."),
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
        body = {"format": exporter.name, "trial": exported.trial.number, "weights": wanted.weights}
        how = f"POST /v1/campaigns/{campaign_id}/exports and {json.dumps(body)}"
        found = _made(store, wanted, f"{exporter.name} of trial {exported.trial.number}", how)
        return export_response(request, store, settings.data_dir, found)
    if weights is not None:
        raise InvalidValueError(f"the format '{exporter.name}' has no weights; leave `weights` out", field="weights")
    if style is not None and exporter.name != "svg":
        raise InvalidValueError(f"the format '{exporter.name}' has no style; leave `style` out", field="style")
    given = exported.drawn() if exporter.is_drawing else Export(exported.specification())
    content = exporter.content(given) if style is None else drawing(given, style).encode()
    return _made_here(exporter, exported.name, content)


@router.get(
    "/v1/trainings/{training_id}/exports/{format}",
    response_class=Response,
    summary="Export a training",
    responses=FILE,
)
def export_of_training(
    request: Request, training_id: TrainingId, format: FormatName, store: ServiceStore, settings: ServiceSettings
) -> Response:
    """The best model so far as a download, as the export of a trial."""
    exporter = _format(format)
    trained = trained_model(settings.data_dir, store.reads.get_training(training_id))
    if exporter.place == "here":
        return _made_here(exporter, model_name(trained.training.name), exporter.content(trained.drawn()))
    how = f"POST /v1/trainings/{training_id}/exports and {json.dumps({'format': exporter.name})}"
    found = _made(store, training_export_request(trained, exporter), f"{exporter.name} of the best model", how)
    return export_response(request, store, settings.data_dir, found)


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
    return export_response(request, store, settings.data_dir, store.reads.get_export(export_id))


def _made(store: Store, wanted: ExportRequest, what: str, how: str) -> ExportRecord:
    """The export of a request. Raises ConflictError, which says `how` to request it, where nobody has."""
    found = store.reads.find_export(wanted.cache_key)
    if found is None or found.state in ("failed", "removed"):
        raise ConflictError(f"{what} is not made yet; request it with {how}")
    return found


def _made_here(exporter: Exporter, name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}{exporter.suffix}"'}
    return Response(content, media_type=exporter.media_type, headers=headers)


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
