"""Answers that are plain JSON already: long ones, which a walk through a model would hold up.

The handler still names its model, for the interface's description; a test holds such answers to their models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fastapi import Request, Response

from api.http.compression import ENCODING, compress
from api.http.conditional_get import tag_of
from nas_controller.caches import SingleFlightCache
from nas_controller.store import as_json

MOST_KEPT_BYTES = 32 << 20
_MEDIA_TYPE = "application/json"


class Answer(NamedTuple):
    """An answer as it is and, where it is long enough for that, compressed."""

    plain: bytes
    compressed: bytes | None


def kept_answers() -> SingleFlightCache[Answer]:
    """Where a service keeps its answers; each needs its own, since another record may be at the same version."""
    return SingleFlightCache(MOST_KEPT_BYTES, lambda answer: len(answer.plain) + len(answer.compressed or b""))


def json_answer(request: Request, make: Callable[[], Mapping[str, Any]]) -> Response:
    """What `make` gives, which may have times and parts that are JSON already, as the answer to a poll.

    It is made and compressed once for each version of the record and kept with the service. Those who ask meanwhile
    wait for that one: threads that read rows at the same time take turns at each row, and four of them are ten times as
    long about it as one.

    The route needs a dependency of `api.http.conditional_get`.
    """

    def answer() -> Answer:
        plain = as_json(make())
        return Answer(plain, compress(plain))

    kept: SingleFlightCache[Answer] = request.app.state.kept_answers
    plain, compressed = kept.get((request.url.path, request.url.query), tag_of(request), answer)
    if compressed is None or ENCODING not in request.headers.get("accept-encoding", ""):
        return Response(plain, media_type=_MEDIA_TYPE)
    return Response(compressed, media_type=_MEDIA_TYPE, headers={"Content-Encoding": ENCODING})
