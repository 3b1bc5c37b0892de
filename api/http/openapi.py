"""The OpenAPI document at /openapi.json: FastAPI's, with security, problem documents and examples added."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.http.access_control import required_scope
from api.http.authentication import COOKIE
from api.http.examples import EXAMPLE_PROBLEM, EXAMPLE_RESPONSES
from api.http.idempotency import PARAMETER, PREFIX
from api.http.problem_documents import MEDIA_TYPE, Problem

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "The request is rejected; the problem document says why."},
    "5XX": {"model": Problem, "description": "The service failed, or its database does not respond."},
}
SECURITY_SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, created by `effspine keys create`. Scopes: view, operate, admin; each includes "
        "those before it.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser's session after /login. Requests that change something must come from the "
        "service's pages.",
    },
}


class DescribedApi(FastAPI):
    """A FastAPI application whose OpenAPI document has problem documents, scopes and idempotency keys."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, generated once."""
        if self.openapi_schema is None:
            document = super().openapi()
            document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _describe(method, path, operation)
        return super().openapi()


def _describe(method: str, path: str, operation: dict[str, Any]) -> None:
    """Adds the scope, the problem documents, the idempotency key and the example response of an operation."""
    scope = required_scope(method.upper(), path)
    operation["security"] = [] if scope is None else [{name: [scope]} for name in SECURITY_SCHEMES]
    responses = operation["responses"]
    for status in PROBLEM_RESPONSES:
        (problem,) = responses[status]["content"].values()  # FastAPI puts it under the media type of the route
        responses[status]["content"] = {MEDIA_TYPE: {**problem, "example": EXAMPLE_PROBLEM}}
    if method == "post" and path.startswith(PREFIX):
        operation.setdefault("parameters", []).append(PARAMETER)
    if (method, path) in EXAMPLE_RESPONSES:
        success = responses[next(status for status in responses if status.startswith("2"))]
        success["content"]["application/json"]["example"] = EXAMPLE_RESPONSES[method, path]
