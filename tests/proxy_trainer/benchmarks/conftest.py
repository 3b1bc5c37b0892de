"""Fixtures of the tests of the trainer's benchmarks."""

from __future__ import annotations

import pytest

from tests.support import engine_pool


@pytest.fixture(scope="session", autouse=True)
def _tensorflow(tensorflow: None) -> None:
    """Most tests here run TensorFlow."""


@pytest.fixture(autouse=True)
def _shared_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks in this process use shared engines, because these tests do not depend on tracing times."""
    monkeypatch.setattr("proxy_trainer.engine.engine.Engine", engine_pool.shared_engine)
