"""Fixtures of the tests of training and data."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proxy_trainer.odd_coco import make_odd_coco


@pytest.fixture
def odd_coco(tmp_path: Path) -> Path:
    """A small COCO folder with everything that a real one can hold."""
    return make_odd_coco(tmp_path / "odd")
