"""Responses of raw JSON, without validation and serialisation by a model, which would slow down long responses.

Their routes name the model for the OpenAPI document; a test validates the responses with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fastapi import Request, Response

from api.http.compression import ENCODING, compress
from api.http.conditional_get import etag_of
from nas_controller.caches import SingleFlightCache
from nas_controller.store import as_json

MAX_CACHED_BYTES = 32 << 20
_MEDIA_TYPE = "application/json"


class Body(NamedTuple):
    """A response body; `compressed` is None if it is too short for compression."""

    plain: bytes
    compressed: bytes | None


def response_cache() -> SingleFlightCache[Body]:
    """A single-flight cache of responses. Each service needs its own, since ETags of two databases can be equal."""
    return SingleFlightCache(MAX_CACHED_BYTES, lambda body: len(body.plain) + len(body.compressed or b""))


def json_response(request: Request, make: Callable[[], Mapping[str, Any]]) -> Response:
    """The result of `make`, which may contain times and serialised JSON, as the response to a conditional GET.

    It is computed and compressed once per ETag, and concurrent requests wait for the first: threads that fetch rows at
    the same time compete for the interpreter lock at every row, so four of them take ten times as long as one.

    The route needs a dependency of `api.http.conditional_get`.
    """

    def render() -> Body:
        plain = as_json(make())
        return Body(plain, compress(plain))

    cache: SingleFlightCache[Body] = request.app.state.response_cache
    plain, compressed = cache.get((request.url.path, request.url.query), etag_of(request), render)
    if compressed is None or ENCODING not in request.headers.get("accept-encoding", ""):
        return Response(plain, media_type=_MEDIA_TYPE)
    return Response(compressed, media_type=_MEDIA_TYPE, headers={"Content-Encoding": ENCODING})
