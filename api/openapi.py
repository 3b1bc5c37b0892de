"""The description of the interface at /openapi.json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE, Problem

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request cannot be answered; the problem document says why."},
    "5XX": {"model": Problem, "description": "The service failed, or its store does not answer."},
}


class DescribedApi(FastAPI):
    """A FastAPI application that describes its errors under the media type that they really have."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            for operations in document["paths"].values():
                for operation in operations.values():
                    for status in PROBLEM_RESPONSES:
                        content = operation["responses"][status]["content"]
                        operation["responses"][status]["content"] = {MEDIA_TYPE: content["application/json"]}
        return super().openapi()
