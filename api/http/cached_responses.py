"""Responses to conditional GETs that are computed and compressed once per ETag, whatever they consist of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from fastapi import Request, Response

from api.http.compression import ENCODING, compress
from api.http.conditional_get import etag_of
from nas_controller.caches import SingleFlightCache

MAX_CACHED_BYTES = 32 << 20


class Body(NamedTuple):
    """A response body; `compressed` is None if it is too short for compression."""

    plain: bytes
    compressed: bytes | None


def response_cache() -> SingleFlightCache[Body]:
    """A single-flight cache of responses. Each service needs its own, since ETags of two databases can be equal."""
    return SingleFlightCache(MAX_CACHED_BYTES, lambda body: len(body.plain) + len(body.compressed or b""))


def cached_response(
    request: Request, make: Callable[[], bytes], media_type: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The result of `make` as the response to a conditional GET.

    It is computed and compressed once per ETag, and concurrent requests wait for the first: threads that fetch rows at
    the same time compete for the interpreter lock at every row, so four of them take ten times as long as one.

    The route needs a dependency of `api.http.conditional_get`, or calls `check_modified`.
    """

    def render() -> Body:
        plain = make()
        return Body(plain, compress(plain))

    cache: SingleFlightCache[Body] = request.app.state.response_cache
    plain, compressed = cache.get((request.url.path, request.url.query), etag_of(request), render)
    if compressed is None or ENCODING not in request.headers.get("accept-encoding", ""):
        return Response(plain, media_type=media_type, headers=headers)
    return Response(compressed, media_type=media_type, headers={**(headers or {}), "Content-Encoding": ENCODING})
