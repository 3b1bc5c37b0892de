"""Fixtures of the tests of the trainer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.edge_case_coco import make_edge_case_coco
from tests.support.processes import THREADS


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """Configures TensorFlow's threads, which must happen before it first runs."""
    from proxy_trainer.engine.runtime import start

    start(THREADS)


@pytest.fixture
def edge_case_coco(tmp_path: Path) -> Path:
    """A small COCO directory with the irregularities of real ones."""
    return make_edge_case_coco(tmp_path / "odd")
