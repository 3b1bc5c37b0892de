"""JSON Schemas of exported files."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

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
