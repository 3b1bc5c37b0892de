"""Errors as problem documents (RFC 9457), the same shape for every route, including those that do not exist.

A handler turns one kind of exception into a `Problem`; `HANDLERS` is the whole list. Nothing about the inside of
the service leaves it: an unexpected error is logged with its request id, and the document carries only that id.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.http.constraint_text import feasible
from nas_controller.store.errors import (
    ConflictError,
    KeyBusyError,
    KeyReusedError,
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreVersionError,
)
from search_space.errors import EffspineError

MEDIA_TYPE = "application/problem+json"
LONGEST_VALUE = 200
BOUND_ERRORS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"})
KIND_ERRORS = frozenset(
    {
        "int_parsing", "int_type", "int_from_float", "float_parsing", "float_type", "string_too_short",
        "string_too_long", "too_short", "too_long",
    }
)  # fmt: skip
"""Errors of pydantic whose messages name one bound, and those that name none or belong to a length."""

log = logging.getLogger("effspine.api")


class FieldProblem(BaseModel):
    """One input that is wrong."""

    field: str = Field(description="Dotted path of the input.", examples=["proxy_task.steps"])
    message: str = Field(description="What is wrong, and what would be right.")
    value: Any = Field(default=None, description="The value that was given, shortened where it is long.")


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    type: str = Field("about:blank", description="Kind of problem; `about:blank` where the status says it all.")
    title: str = Field(description="The kind of problem in words.", examples=["Invalid value"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What happened this time.")
    instance: str = Field(description="The path of the request.", examples=["/v1/campaigns"])
    request_id: str | None = Field(None, description="What the service's log calls this request.")
    errors: list[FieldProblem] = Field(default_factory=list, description="The inputs that are wrong.")


class ProblemResponse(JSONResponse):
    """A problem document in ASCII, so that even a value that is no proper text can be shown back."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def problem_response(
    status: int,
    detail: str,
    instance: str,
    *,
    kind: str | None = None,
    title: str | None = None,
    errors: Sequence[FieldProblem] = (),
    request_id: str | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """The response of an error; `kind` names our own kinds of problem (`invalid-value`)."""
    problem = Problem(
        type=f"urn:effspine:problem:{kind}" if kind else "about:blank",
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        request_id=request_id,
        errors=list(errors),
    )
    return ProblemResponse(problem.model_dump(), status, headers)


def _respond(request: Request, status: int, detail: str, **more: Any) -> JSONResponse:
    request_id = getattr(request.state, "request_id", None)
    return problem_response(status, detail, request.url.path, request_id=request_id, **more)


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    """An error that routing itself raised: no such path, no such method."""
    headers = dict(error.headers or {})
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"there is nothing at {request.url.path}; /docs lists what there is"
        elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed_methods(request))
            detail = f"{request.method} is not allowed at {request.url.path}; allowed: {headers['Allow']}"
    return _respond(request, error.status_code, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Methods of every route at the path of the request; routing itself names those of the first alone.

    A path that is spelt out (`/v1/campaigns/estimate`) is none with a parameter (`/v1/campaigns/{campaign_id}`).
    """
    routes = [one for one in request.app.state.routes if one.matches(request.scope)[0] is not Match.NONE]
    fewest = min((len(one.param_convertors) for one in routes), default=0)
    return sorted({method for one in routes if len(one.param_convertors) == fewest for method in one.methods or ()})


def _invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    """A body or a parameter that does not fit the route's model."""
    details = error.errors()
    for one in details:
        if one["type"] == "json_invalid":
            reason = one.get("ctx", {}).get("error", "it does not parse")
            detail = f"the body is not JSON: {reason} at character {one['loc'][-1]}"
            return _respond(request, 400, detail, kind="malformed-json", title="Malformed JSON")
    details = [one for place, one in enumerate(details) if one not in details[:place]]  # two may want one parameter
    errors = [
        FieldProblem(
            field=_dotted(one["loc"]),
            message=_message(one, feasible(request.scope.get("route"), one["loc"])),
            value=_shortened(one.get("input")),
        )
        for one in details
    ]
    return _invalid(request, "; ".join(f"{one.field}: {one.message}" for one in errors[:3]), errors)


def _invalid_value(request: Request, error: EffspineError) -> JSONResponse:
    """A value that parses but cannot be: the package that refused it says why."""
    errors = [FieldProblem(field=error.field, message=str(error), value=_shortened(error.value))] if error.field else []
    return _invalid(request, str(error), errors)


def _invalid(request: Request, detail: str, errors: Sequence[FieldProblem]) -> JSONResponse:
    return _respond(request, 422, detail, kind="invalid-value", title="Invalid value", errors=errors)


def _not_found(request: Request, error: EffspineError) -> JSONResponse:
    return _respond(request, 404, str(error), kind="not-found")


def _conflict(request: Request, error: EffspineError) -> JSONResponse:
    return _respond(request, 409, str(error), kind="state-conflict")


def _key_reused(request: Request, error: EffspineError) -> JSONResponse:
    return _respond(request, 422, str(error), kind="idempotency-key-reused")


def _key_busy(request: Request, error: EffspineError) -> JSONResponse:
    return _respond(request, 409, str(error), kind="idempotency-key-busy", headers={"Retry-After": "1"})


def _store_version(request: Request, error: EffspineError) -> JSONResponse:
    log.error("%s", error)
    detail = "the campaign store was migrated by another version of effspine; this service must be restarted with it"
    return _respond(request, 503, detail, kind="store-version")


def _store_unavailable(request: Request, error: EffspineError) -> JSONResponse:
    log.warning("the store does not answer: %s", error)
    return _respond(
        request,
        503,
        "the campaign store does not answer; the request can be sent again",
        kind="store-unavailable",
        headers={"Retry-After": "5"},
    )


def _store_full(request: Request, error: EffspineError) -> JSONResponse:
    log.warning("%s", error)
    detail = "the disk of the campaign store is full and campaigns wait for room; free some space, then ask again"
    return _respond(request, 507, detail, kind="store-full")


Handler = Callable[[Request, Any], JSONResponse]
HANDLERS: dict[type[Exception], Handler] = {
    HTTPException: _http_error,
    RequestValidationError: _invalid_request,
    NotFoundError: _not_found,
    ConflictError: _conflict,
    KeyReusedError: _key_reused,
    KeyBusyError: _key_busy,
    StoreFullError: _store_full,
    StoreVersionError: _store_version,
    StoreError: _store_unavailable,
    EffspineError: _invalid_value,
}


def respond_to(request: Request, error: Exception) -> JSONResponse:
    """The response of an error that happened outside of any route; the error itself where there is no handler."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return HANDLERS[kind](request, error)
    raise error


def _dotted(location: Sequence[int | str]) -> str:
    """`("body", "proxy_task", "steps")` as `proxy_task.steps`; the body itself is `body`."""
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _message(one: dict[str, Any], feasible_range: str | None) -> str:
    if one["type"] == "extra_forbidden":
        return "there is no such field"
    if one["type"] == "missing":
        return "this field is required"
    message = str(one["msg"])
    message = message[0].lower() + message[1:]
    if feasible_range is not None and one["type"] in BOUND_ERRORS:
        return f"it is {_shortened(one['input'])}; it must be {feasible_range}"
    if feasible_range is not None and one["type"] in KIND_ERRORS:
        return f"{message}; it must be {feasible_range}"
    return message


def _shortened(value: Any) -> Any:
    """The value itself where it is small and fits JSON, else the start of its text."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        text = value = repr(value)
    return value if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
