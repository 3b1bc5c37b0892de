"""Format `detector`: the model directory of `search_space.detector_model`."""

from __future__ import annotations

from pathlib import Path

from exporters.export import Export
from search_space.detector_model import save_detector


def write(export: Export, directory: Path) -> None:
    """Writes `config.json` and `model.safetensors`."""
    save_detector(export.model, directory)
