"""Exact arrays in JSON: base 64 of little-endian float64, in C order."""

from __future__ import annotations

import base64

import numpy as np

from nas_controller.search.controller.policy import Floats


def encode(array: Floats) -> str:
    """The flat array as text; 32 characters for every three numbers."""
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f8").tobytes()).decode()


def decode(text: str) -> Floats:
    """The flat array that `encode` wrote. Raises ValueError for invalid text."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f8").astype(np.float64)
