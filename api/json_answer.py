"""Answers that are plain JSON already: long ones, which a walk through a model would hold up.

The handler still names its model, for the interface's description; a test holds such answers to their models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Response

MEDIA_TYPE = "application/json"


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """The document as it is sent, which may have times and parts that are JSON already (`orjson.Fragment`)."""
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def json_answer(document: Mapping[str, Any]) -> Response:
    """The document as an answer."""
    return Response(json_bytes(document), media_type=MEDIA_TYPE)
