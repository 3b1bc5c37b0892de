"""Fixtures: one browser for all tests of a process, and a service for each file: one that runs campaigns, or one with
records.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.chromium import WAIT_MS, launch
from tests.support.recorded_pages import Recorded, record_pages
from tests.support.served import Served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; ended with its file, since the driver has an event loop, which other tests could not start then."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a supervisor and Ray."""
    with Served(tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of the service with records."""
    return tmp_path_factory.mktemp("recorded")


@pytest.fixture(scope="module")
def records(data_dir: Path) -> Recorded:
    """A record of every kind."""
    return record_pages(data_dir)


@pytest.fixture(scope="module")
def recorded(records: Recorded, data_dir: Path) -> Iterator[Served]:
    """A service with these records, and without a supervisor, so that they stay as they are."""
    with Served(data_dir, command="api") as served:
        yield served
