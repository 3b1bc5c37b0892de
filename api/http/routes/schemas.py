"""JSON Schemas of campaigns, of other requests and of exported files."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.trainings.spec import TrainingSpec
from search_space.document_schema import block_specification_schema

router = APIRouter(prefix="/v1/schemas")

MEDIA_TYPE = "application/schema+json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA: dict[int | str, dict[str, Any]] = {
    200: {"description": "The schema.", "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}
}


@router.get(
    "/campaign", tags=["campaigns"], response_class=Response, summary="Read the schema of campaigns", responses=SCHEMA
)
def campaign() -> JSONResponse:
    """The JSON Schema (2020-12) of the body of `POST /v1/campaigns`: a title, a description, the limits and the default
    of each field, and, in keywords that begin with `x-`, its unit, its group and the defaults that depend on others.
    """
    return JSONResponse({"$schema": DIALECT, **CampaignSpec.model_json_schema()}, media_type=MEDIA_TYPE)


@router.get(
    "/block-specification",
    tags=["results"],
    response_class=Response,
    summary="Read the schema of block specifications",
    responses=SCHEMA,
)
def block_specification() -> JSONResponse:
    """The JSON Schema (2020-12) of the files of export format `spec`."""
    return JSONResponse(block_specification_schema(), media_type=MEDIA_TYPE)


@router.get(
    "/training",
    tags=["trainings"],
    response_class=Response,
    summary="Read the schema of requests for trainings",
    responses=SCHEMA,
)
def training() -> JSONResponse:
    """The JSON Schema (2020-12) of the body of `POST /v1/trainings`, with limits and defaults. The examples of `recipe`
    are all recipes for detection, the most usual one first; its `x-about` says what each is for, and its `x-tasks` has
    the recipes of every task with their length.
    """
    return JSONResponse(TrainingSpec.model_json_schema(), media_type=MEDIA_TYPE)
