"""The description of the interface at /openapi.json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from api.doors import needed_scope
from api.keys import COOKIE
from api.problems import MEDIA_TYPE, Problem

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
                    scope = needed_scope(method.upper(), path)
                    operation["security"] = [] if scope is None else [{name: [scope]} for name in SECURITY_SCHEMES]
                    for status in PROBLEM_RESPONSES:
                        content = operation["responses"][status]["content"]
                        operation["responses"][status]["content"] = {MEDIA_TYPE: content["application/json"]}
        return super().openapi()
