"""Maps exceptions to problem documents: `HANDLERS` has one function per kind of exception.

No handler reveals internals: an unexpected error is logged under its request id, and the response has only that id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.http.invalid_inputs import field_problems, summary, truncated
from api.http.problem_documents import FieldProblem, problem_response
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
    for each in error.errors():
        if each["type"] == "json_invalid":
            reason = each.get("ctx", {}).get("error", "it does not parse")
            return _malformed_json(request, f"{reason} at character {each['loc'][-1]}")
    problems = field_problems(request, error)
    return _invalid(request, summary(problems), problems)


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
    errors = [FieldProblem(field=error.field, message=str(error), value=truncated(error.value))] if error.field else []
    return _invalid(request, str(error), errors)


def _invalid(request: Request, words: str, errors: Sequence[FieldProblem]) -> JSONResponse:
    return problem_response(request.scope, 422, words, kind="invalid-value", title="Invalid value", errors=errors)


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
    EffspineError: _invalid_value,
}


def handle_error(request: Request, error: Exception) -> JSONResponse:
    """The response for an error in a middleware, outside any route. Raises the error if it has no handler."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return HANDLERS[kind](request, error)
    raise error
