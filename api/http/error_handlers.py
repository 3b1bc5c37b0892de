"""Maps exceptions to problem documents: `HANDLERS` has one function per kind of exception.

No handler reveals internals: an unexpected error is logged under its request id, and the response has only that id.
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
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.http.allowed_range import allowed_range
from api.http.problem_documents import FieldProblem, problem_response
from nas_controller.campaigns.policy_history import HistoryPendingError
from nas_controller.drawings.sheet import NothingToDrawError
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

MAX_VALUE_LENGTH = 200
BOUND_ERRORS = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"})
"""Pydantic's errors whose message names only the bound that was exceeded."""
TYPE_ERRORS = frozenset(
    {
        "int_parsing", "int_type", "int_from_float", "float_parsing", "float_type", "string_too_short",
        "string_too_long", "too_short", "too_long",
    }
)  # fmt: skip
"""Pydantic's errors whose message names no bound, or only one of a length."""
UNDECODABLE_BODY = "There was an error parsing the body"
"""FastAPI's words for a body that JSON's decoder refuses with another error than one of its grammar."""

log = logging.getLogger("effspine.api")


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    """Errors of routing: no such path, no such method. And of bodies that FastAPI could not even decode."""
    headers = dict(error.headers or {})
    detail = error.detail
    if error.status_code == HTTPStatus.BAD_REQUEST and detail == UNDECODABLE_BODY:
        return _malformed_json(request, _why_undecodable(error.__cause__))
    if detail == HTTPStatus(error.status_code).phrase:
        if error.status_code == HTTPStatus.NOT_FOUND:
            detail = f"there is nothing at {request.url.path}; /docs lists all routes"
        elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed_methods(request))
            detail = f"{request.method} is not allowed at {request.url.path}; allowed: {headers['Allow']}"
    return problem_response(request.scope, error.status_code, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """Methods of all routes at the request's path; Starlette's own 405 names only those of the first route.

    A literal path (`/v1/campaigns/estimate`) takes precedence over one with a parameter
    (`/v1/campaigns/{campaign_id}`).
    """
    routes = [route for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE]
    min_parameters = min((len(route.param_convertors) for route in routes), default=0)
    matching = [route for route in routes if len(route.param_convertors) == min_parameters]
    allowed = {method for route in matching for method in route.methods or ()}
    return sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))


def _invalid_request(request: Request, error: RequestValidationError) -> JSONResponse:
    """A body or a parameter that does not fit the route's model."""
    details = error.errors()
    for each in details:
        if each["type"] == "json_invalid":
            reason = each.get("ctx", {}).get("error", "it does not parse")
            return _malformed_json(request, f"{reason} at character {each['loc'][-1]}")
    # Two dependencies can declare the same parameter, and each reports the error.
    details = [each for index, each in enumerate(details) if each not in details[:index]]
    errors = [
        FieldProblem(
            field=_dotted(each["loc"]),
            message=_message(each, allowed_range(request.scope.get("route"), each["loc"])),
            value=_truncated(each.get("input")),
        )
        for each in details
    ]
    return _invalid(request, "; ".join(f"{problem.field}: {problem.message}" for problem in errors[:3]), errors)


def _malformed_json(request: Request, reason: str) -> JSONResponse:
    detail = f"the body is not JSON: {reason}"
    return problem_response(request.scope, 400, detail, kind="malformed-json", title="Malformed JSON")


def _why_undecodable(error: BaseException | None) -> str:
    """Why a body has no value, although it may be JSON by its grammar."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "it has a number of too many digits" if isinstance(error, ValueError) else "it cannot be read"


def _invalid_value(request: Request, error: EffspineError) -> JSONResponse:
    """A value that parses but is not allowed; the package that rejected it provides the message."""
    errors = [FieldProblem(field=error.field, message=str(error), value=_truncated(error.value))] if error.field else []
    return _invalid(request, str(error), errors)


def _invalid(request: Request, detail: str, errors: Sequence[FieldProblem]) -> JSONResponse:
    return problem_response(request.scope, 422, detail, kind="invalid-value", title="Invalid value", errors=errors)


def _not_found(request: Request, error: EffspineError) -> JSONResponse:
    return problem_response(request.scope, 404, str(error), kind="not-found")


def _conflict(request: Request, error: EffspineError) -> JSONResponse:
    return problem_response(request.scope, 409, str(error), kind="state-conflict")


def _key_reused(request: Request, error: EffspineError) -> JSONResponse:
    return problem_response(request.scope, 422, str(error), kind="idempotency-key-reused")


def _key_busy(request: Request, error: EffspineError) -> JSONResponse:
    headers = {"Retry-After": "1"}
    return problem_response(request.scope, 409, str(error), kind="idempotency-key-busy", headers=headers)


def _store_version(request: Request, error: EffspineError) -> JSONResponse:
    log.error("%s", error)
    detail = "another version of effspine has migrated the database; restart this service with that version"
    return problem_response(request.scope, 503, detail, kind="store-version")


def _store_unavailable(request: Request, error: EffspineError) -> JSONResponse:
    log.warning("the database does not respond: %s", error)
    detail = "the database does not respond; send the request again"
    return problem_response(request.scope, 503, detail, kind="store-unavailable", headers={"Retry-After": "5"})


def _store_full(request: Request, error: EffspineError) -> JSONResponse:
    log.warning("%s", error)
    detail = "the disk of the database is full and campaigns wait; free some space, then send the request again"
    return problem_response(request.scope, 507, detail, kind="store-full")


def _history_pending(request: Request, error: EffspineError) -> JSONResponse:
    return problem_response(request.scope, 503, str(error), kind="not-ready", headers={"Retry-After": "1"})


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
    NothingToDrawError: _not_found,
    HistoryPendingError: _history_pending,
    EffspineError: _invalid_value,
}


def handle_error(request: Request, error: Exception) -> JSONResponse:
    """The response for an error in a middleware, outside any route. Raises the error if it has no handler."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return HANDLERS[kind](request, error)
    raise error


def _dotted(location: Sequence[int | str]) -> str:
    """`("body", "proxy_task", "steps")` as `proxy_task.steps`; the body itself is `body`. Of a repeated parameter of
    the query, the name alone.
    """
    if location[0] == "query":
        return str(location[1])
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _message(error_detail: dict[str, Any], allowed: str | None) -> str:
    if error_detail["type"] == "extra_forbidden":
        return "there is no such field"
    if error_detail["type"] == "missing":
        return "this field is required"
    message = str(error_detail["msg"])
    message = message[0].lower() + message[1:]
    if allowed is not None and error_detail["type"] in BOUND_ERRORS:
        return f"it is {_truncated(error_detail['input'])}; it must be {allowed}"
    if allowed is not None and error_detail["type"] in TYPE_ERRORS:
        return f"{message}; it must be {allowed}"
    return message


def _truncated(value: Any) -> Any:
    """The value if it is short and valid JSON, else the start of its text."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        text = value = repr(value)
    return value if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"
