"""Gzip settings, shared by the middleware and by `api.http.json_responses`, which compresses a cached body once."""

from __future__ import annotations

import gzip

MIN_COMPRESSED_BYTES = 1_024
COMPRESSION_LEVEL = 1  # of 9; higher levels save little and take processor time from training
ENCODING = "gzip"


def compress(body: bytes) -> bytes | None:
    """The compressed body; None if it is shorter than MIN_COMPRESSED_BYTES."""
    if len(body) < MIN_COMPRESSED_BYTES:
        return None
    return gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
