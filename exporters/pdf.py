"""Format `pdf`: the drawing of the format `svg` as a page of its own size."""

from __future__ import annotations

from pathlib import Path

from exporters.export import Export
from exporters.pdf_pages import pdf_of_svg
from exporters.svg import drawing


def write(export: Export, directory: Path) -> None:
    """Writes the drawing."""
    content = pdf_of_svg(drawing(export), title=export.architecture.name)
    (directory / f"{export.file_stem}.pdf").write_bytes(content)
