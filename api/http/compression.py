"""How answers are compressed: those of `api.http.json_responses` once for all who ask, all others by the middleware."""

from __future__ import annotations

import gzip

COMPRESSED_FROM_BYTES = 1_024
COMPRESSION_LEVEL = 1  # of 9: what the others save is not worth a processor that also trains
ENCODING = "gzip"


def compress(body: bytes) -> bytes | None:
    """The body compressed; None for one that is too short for it."""
    if len(body) < COMPRESSED_FROM_BYTES:
        return None
    return gzip.compress(body, COMPRESSION_LEVEL, mtime=0)
