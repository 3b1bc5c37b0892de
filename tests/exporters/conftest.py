"""Fixtures of the tests of exports."""

from __future__ import annotations

import pytest

from tests.support.processes import THREADS


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """Configures TensorFlow's threads, which must happen before it first runs."""
    from proxy_trainer.engine.runtime import start

    start(THREADS)
