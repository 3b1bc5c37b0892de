"""Problem documents (RFC 9457): the body of every error response."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.types import Scope

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """One invalid input."""

    field: str = Field(description="Dotted path of the input.", examples=["proxy_task.steps"])
    message: str = Field(description="The error, and the allowed values.")
    value: Any = Field(default=None, description="The value that was sent, truncated if it is long.")


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field("about:blank", description="Kind of problem; `about:blank` if the status alone identifies it.")
    title: str = Field(description="Short summary of the kind of problem.", examples=["Invalid value"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="The error of this request.")
    instance: str = Field(description="The path of the request.", examples=["/v1/campaigns"])
    request_id: str | None = Field(None, description="Id of the request in the service's log.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The invalid inputs.")


class ProblemResponse(JSONResponse):
    """A problem document in ASCII, so that it can quote text that is not valid UTF-8."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def problem_response(
    scope: Scope,
    status: int,
    detail: str,
    *,
    kind: str | None = None,
    title: str | None = None,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The response for an error of the request in `scope`; `kind` is the last part of its type (`invalid-value`)."""
    problem = Problem(
        type=f"urn:effspine:problem:{kind}" if kind else "about:blank",
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=scope["path"],
        request_id=scope.get("state", {}).get("request_id"),
        errors=list(errors),
    )
    return ProblemResponse(problem.model_dump(), status, headers)
