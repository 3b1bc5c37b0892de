"""Settings and fixtures of the tests of every package."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from tests.support import distribution

# A busy machine makes an example slow, not wrong.
settings.register_profile("effspine", deadline=None)
settings.load_profile("effspine")


@pytest.fixture
def shared_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is trained in this process gets its engine from the pool of the tests, traced already perhaps."""
    from tests.support import engine_pool

    monkeypatch.setattr("proxy_trainer.training.proxy_worker.Engine", engine_pool.lend)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest starts first."""
    distribution.longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, all tests that train run in one process."""
    return distribution.Scheduling(config, log) if config.getoption("dist") == "loadfile" else None
