"""The description of the interface at /openapi.json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.http.access_control import needed_scope
from api.http.authentication import COOKIE
from api.http.examples import ANSWERS, REFUSAL
from api.http.idempotency import PARAMETER, PREFIX
from api.http.problems import MEDIA_TYPE, Problem

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request cannot be answered; the problem document says why."},
    "5XX": {"model": Problem, "description": "The service failed, or its store does not answer."},
}
SECURITY_SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, made by `effspine keys create`. Scopes: view, operate, admin; each includes those "
        "before it.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "What a browser has after /login. Changes need a request from the service's own pages.",
    },
}


class DescribedApi(FastAPI):
    """A FastAPI application that describes its errors under the media type that they really have, and its doors."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _describe(method, path, operation)
        return super().openapi()


def _describe(method: str, path: str, operation: dict[str, Any]) -> None:
    """Adds to an operation what all have in common: its doors, its problems, its key, and an example of its answer."""
    scope = needed_scope(method.upper(), path)
    operation["security"] = [] if scope is None else [{name: [scope]} for name in SECURITY_SCHEMES]
    responses = operation["responses"]
    for status in PROBLEM_RESPONSES:
        problem = responses[status]["content"]["application/json"]
        responses[status]["content"] = {MEDIA_TYPE: {**problem, "example": REFUSAL}}
    if method == "post" and path.startswith(PREFIX):
        operation.setdefault("parameters", []).append(PARAMETER)
    if (method, path) in ANSWERS:
        good = responses[next(status for status in responses if status.startswith("2"))]
        good["content"]["application/json"]["example"] = ANSWERS[method, path]
