"""Answers that are plain JSON already: long ones, which a walk through a model would hold up.

The handler still names its model, for the interface's description; a test holds such answers to their models.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Response

MEDIA_TYPE = "application/json"


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """The document as it is sent. Raises ValueError for numbers that JSON cannot carry."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def json_answer(document: Mapping[str, Any]) -> Response:
    """The document as an answer."""
    return Response(json_bytes(document), media_type=MEDIA_TYPE)
