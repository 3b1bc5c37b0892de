"""Fixtures of the tests of the tasks."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _tensorflow(tensorflow: None) -> None:
    """Most tests here run TensorFlow."""
