"""`torch.export` and `torch.compile` take the exported network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.export_runtime import run_export
from tests.support.exported_folders import exported, random_model
from tests.support.random_detectors import UNEQUAL

PROGRAM = Path(__file__).parent / "programs" / "capture.py"


def _capture(folder: Path, what: str, timeout_s: float) -> None:
    exported(random_model(UNEQUAL), folder)
    run_export([PROGRAM, folder, what], folder=folder, timeout_s=timeout_s)


def test_the_network_is_exported_with_a_dynamic_batch(tmp_path: Path) -> None:
    _capture(tmp_path, "exported", 280)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_network_is_compiled_for_inference_and_training(tmp_path: Path) -> None:
    """The C++ compiler takes minutes."""
    _capture(tmp_path, "compiled", 3500)
