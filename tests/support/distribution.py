"""The distribution of tests over the processes of pytest-xdist: which share a process, and which start first."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from xdist.scheduler import LoadScopeScheduling

TRAINING = (
    "tests/proxy_trainer/engine/",
    "tests/proxy_trainer/training/",
    "tests/proxy_trainer/inference/",
    "tests/proxy_trainer/tasks/",
    "tests/proxy_trainer/benchmarks/",
    "tests/nas_controller/exports/test_trained_weights.py",
)
"""One process runs all of these, since they share engines, and imports TensorFlow once."""

LONGEST_FIRST = (
    "tests/chaos/",
    *TRAINING,
    "tests/browser/test_pages.py",
    "tests/browser/test_connection.py",
    "tests/browser/",
    "tests/nas_controller/supervision/",
    "tests/nas_controller/execution/",
    "tests/api/cli/",
    "tests/nas_controller/proxy_check/",
)
"""Directories with the longest tests. Short tests come last, so that no process waits long for another."""


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each process one file after another, and all tests that train to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = nodeid.split("::", 1)[0]
        return "training" if file.startswith(TRAINING) else file


def longest_first(items: list[pytest.Item]) -> None:
    """Sorts tests in place by LONGEST_FIRST."""
    items.sort(key=lambda item: _rank(item.nodeid, LONGEST_FIRST))


def _rank(nodeid: str, prefixes: Iterable[str]) -> int:
    return next((rank for rank, prefix in enumerate(prefixes) if nodeid.startswith(prefix)), len(LONGEST_FIRST))
