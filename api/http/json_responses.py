"""Responses of raw JSON, without validation and serialisation by a model, which would slow down long responses.

Their routes name the model for the OpenAPI document; a test validates the responses with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request, Response

from api.http.cached_responses import cached_response
from nas_controller.store import as_json


def json_response(request: Request, make: Callable[[], Mapping[str, Any]]) -> Response:
    """The result of `make`, which may contain times and serialised JSON, as the response to a conditional GET."""
    return cached_response(request, lambda: as_json(make()), "application/json")
