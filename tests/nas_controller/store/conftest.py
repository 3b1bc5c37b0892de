"""The store itself is tested on both kinds of database in every tier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, new_database: Callable[[str], AbstractContextManager[str]]
) -> Iterator[str]:
    """A database of each supported kind, migrated and without rows."""
    with new_database(request.param) as url:
        yield url
