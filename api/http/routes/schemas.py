"""JSON Schemas of exported files and of requests."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from nas_controller.trainings.spec import TrainingSpec
from search_space.document_schema import block_specification_schema

router = APIRouter(prefix="/v1/schemas", tags=["results"])

MEDIA_TYPE = "application/schema+json"


@router.get(
    "/block-specification",
    response_class=Response,
    summary="Read the schema of block specifications",
    responses={200: {"description": "The schema.", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
)
def block_specification() -> JSONResponse:
    """The JSON Schema (2020-12) of the files of export format `json`."""
    return JSONResponse(block_specification_schema(), media_type=MEDIA_TYPE)


@router.get(
    "/training",
    response_class=Response,
    summary="Read the schema of requests for trainings",
    responses={200: {"description": "The schema.", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}},
)
def training() -> JSONResponse:
    """The JSON Schema (2020-12) of the body of `POST /v1/trainings`, with limits and defaults. The examples of `recipe`
    are all recipes for detection, the most usual one first.
    """
    return JSONResponse(TrainingSpec.model_json_schema(), media_type=MEDIA_TYPE)
