"""Gzip settings, shared by the middleware and by `api.http.cached_responses`, which compresses a cached body once."""

from __future__ import annotations

import gzip

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES

MIN_COMPRESSED_BYTES = 1_024
COMPRESSION_LEVEL = 1  # of 9; higher levels save little and take processor time from training
ENCODING = "gzip"
NOT_COMPRESSED = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream")
"""Media types that are not compressed: streams of events, archives and weights, which would hardly become smaller and
whose downloads need their length.
"""


def compress(body: bytes) -> bytes | None:
    """The compressed body; None if it is shorter than MIN_COMPRESSED_BYTES."""
    if len(body) < MIN_COMPRESSED_BYTES:
        return None
    return gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
