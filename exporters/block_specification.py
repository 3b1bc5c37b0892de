"""Format `json`: the block specification of `search_space.document`."""

from __future__ import annotations

import json

from exporters.exported_architecture import ExportedArchitecture
from search_space.document import block_specification


def render_block_specification(exported: ExportedArchitecture) -> bytes:
    """The document as indented UTF-8 JSON that ends in a line break."""
    document = block_specification(exported.architecture, exported.provenance)
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
