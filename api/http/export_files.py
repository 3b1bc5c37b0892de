"""Responses with the files of exports that workers make."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request, Response, status
from fastapi.responses import FileResponse

from api.documents import ExportDocument
from api.http.conditional_get import validators
from nas_controller.exports.files import export_file, mark_used
from nas_controller.store import ConflictError, ExportRecord, ExportRequest, Store


def requested(store: Store, data_dir: Path, request: ExportRequest, response: Response) -> ExportDocument:
    """The export of a request, which is made again where its file is gone."""
    export = store.service.request_export(request)
    if export.state == "completed" and not export_file(data_dir, export).is_file():
        store.runner.remove_export(export.id)
        export = store.service.request_export(request)
    response.headers["Location"] = f"/v1/exports/{export.id}"
    response.status_code = status.HTTP_200_OK if export.state == "completed" else status.HTTP_202_ACCEPTED
    return ExportDocument.model_validate(export.to_dict())


def export_response(request: Request, store: Store, data_dir: Path, export: ExportRecord) -> Response:
    """The file of an export. Raises as `found_file` and `file_headers`."""
    path = found_file(store, data_dir, export)
    headers = file_headers(request, export.sha256)
    mark_used(path)
    return FileResponse(path, media_type=export.media_type, filename=export.file_name, headers=headers)


def found_file(store: Store, data_dir: Path, export: ExportRecord) -> Path:
    """The path of the file of an export. Raises ConflictError without one."""
    if export.state != "completed":
        raise ConflictError(f"export '{export.id}' is {export.state}; GET /v1/exports/{export.id} shows its progress")
    path = export_file(data_dir, export)
    if not path.is_file():
        store.runner.remove_export(export.id)
        raise ConflictError(f"the file of export '{export.id}' is gone; request it again")
    return path


def file_headers(request: Request, sha256: str | None) -> dict[str, str]:
    """The headers of a response from a file with this digest. Raises NotModified where the client has it."""
    return validators(request, f'"{sha256}"')
