"""Fixtures of the tests of the engine."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _tensorflow(tensorflow: None) -> None:
    """Every test here runs TensorFlow."""
