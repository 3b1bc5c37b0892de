"""Format `svg`: the block diagram of `search_space.diagram.drawing`, beside the baseline's if there is one."""

from __future__ import annotations

from pathlib import Path

from exporters.export import Export
from search_space.diagram.drawing import block_diagram


def write(export: Export, directory: Path) -> None:
    """Writes the drawing."""
    drawing = block_diagram(export.architecture, export.baseline)
    (directory / f"{export.architecture.name}.svg").write_text(drawing, encoding="utf-8")
