"""Fixtures of the tests of the trainer's benchmarks."""

from __future__ import annotations

import pytest

from tests.support import engine_pool


@pytest.fixture(scope="session", autouse=True)
def _tensorflow(tensorflow: None) -> None:
    """Most tests here run TensorFlow."""


@pytest.fixture(autouse=True)
def _shared_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured in this process uses a shared engine: these tests never look at how long a trace takes."""
    monkeypatch.setattr("proxy_trainer.engine.engine.Engine", engine_pool.shared_engine)
