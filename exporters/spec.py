"""Format `spec`: the block specification of `search_space.document`."""

from __future__ import annotations

import json
from pathlib import Path

from exporters.export import Export
from search_space.document import block_specification


def write(export: Export, directory: Path) -> None:
    """Writes the document as indented UTF-8 JSON that ends in a line break."""
    document = block_specification(export.specification)
    content = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (directory / f"{export.file_stem}.json").write_text(content, encoding="utf-8")
