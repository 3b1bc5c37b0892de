"""Fixtures of the tests of training and data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.edge_case_coco import make_edge_case_coco
from tests.support.processes import THREADS


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """TensorFlow takes its threads before it first runs, whichever test comes first."""
    from proxy_trainer.engine.runtime import start

    start(THREADS)


@pytest.fixture
def edge_case_coco(tmp_path: Path) -> Path:
    """A small COCO folder with everything that a real one can hold."""
    return make_edge_case_coco(tmp_path / "odd")
