"""Settings and fixtures of all tests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

import proxy_trainer  # noqa: F401  # before a test module imports TensorFlow, so that it uses oneDNN as in fresh processes
from tests.support import distribution

# On a busy machine, examples are slow but not wrong.
settings.register_profile("effspine", deadline=None)
settings.load_profile("effspine")


@pytest.fixture
def shared_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies that are trained in this process use the shared engines of the tests."""
    from tests.support import engine_pool

    for module in ("proxy_worker", "detection_trainee"):
        monkeypatch.setattr(f"proxy_trainer.training.{module}.Engine", engine_pool.shared_engine)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starts the longest tests first."""
    distribution.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Runs all tests that train in one process with `-n`."""
    return distribution.Scheduling(config, log) if config.getoption("dist") == "loadfile" else None
