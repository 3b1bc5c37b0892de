"""The data sets that campaigns can name, with what `effspine data register` found in them."""

from __future__ import annotations

import shlex
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import ValidationError

from api.documents import DatasetDocument, DatasetReportDocument, DatasetSummaryDocument, Page
from api.http.dependencies import ServiceSettings
from nas_controller.store import NotFoundError
from search_space.dataset_name import MAX_CHARACTERS
from search_space.datasets import dataset_location, dataset_names, dataset_report, in_data_dir, preview_file

router = APIRouter(prefix="/v1/datasets", tags=["data sets"])

DatasetName = Annotated[str, Path(description="Name of the data set.", max_length=MAX_CHARACTERS)]


@router.get("", summary="List data sets")
def list_all(settings: ServiceSettings) -> Page[DatasetSummaryDocument]:
    """All data sets that campaigns can name, by name."""
    items = [_summary(settings.data_dir, name) for name in dataset_names(settings.data_dir)]
    return Page(items=items, next_cursor=None)


@router.get("/{name}", summary="Read a data set")
def read(name: DatasetName, settings: ServiceSettings) -> DatasetDocument:
    """What the data set holds and what is unusual about it, as found when it was registered."""
    return dataset_document(settings.data_dir, name)


@router.get(
    "/{name}/preview",
    response_class=Response,
    summary="Read a data set's preview",
    responses={
        200: {
            "description": "Images with their boxes as the trainer sees them, resized and augmented.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def preview(name: DatasetName, settings: ServiceSettings) -> Response:
    """The PNG that was drawn when the data set was registered."""
    dataset_document(settings.data_dir, name)
    try:
        content = preview_file(settings.data_dir, name).read_bytes()
    except OSError:
        raise NotFoundError(f"data set '{name}' has no preview; `effspine data register` draws it") from None
    return Response(content, media_type="image/png", headers={"Cache-Control": "no-cache"})


def dataset_document(data_dir: FilePath, name: str) -> DatasetDocument:
    """The document of a data set. Raises NotFoundError for an unknown name."""
    names = dataset_names(data_dir)
    if name not in names:
        raise NotFoundError(f"there is no data set {name!r}; there are: {', '.join(names) or 'none'}")
    location = dataset_location(data_dir, name)
    report = _report(data_dir, name)
    where = "DIR" if location is None else shlex.quote(str(location))
    command = in_data_dir(data_dir, f"effspine data register {name} {where}")
    return DatasetDocument(
        name=name,
        path=None if location is None else str(location),
        is_there=location is not None and location.is_dir(),
        has_preview=preview_file(data_dir, name).is_file(),
        report=report,
        register_command=None if report is not None else command,
    )


def _summary(data_dir: FilePath, name: str) -> DatasetSummaryDocument:
    location = dataset_location(data_dir, name)
    report = _report(data_dir, name)
    return DatasetSummaryDocument(
        name=name,
        path=None if location is None else str(location),
        is_there=location is not None and location.is_dir(),
        warnings=None if report is None else len(report.warnings),
    )


def _report(data_dir: FilePath, name: str) -> DatasetReportDocument | None:
    """The report; None where there is none that this version can read, since a new one can be made at any time."""
    found = dataset_report(data_dir, name)
    try:
        return None if found is None else DatasetReportDocument.model_validate(found)
    except ValidationError:
        return None
