"""Format `svg`: the block diagram of `search_space.diagram.drawing`, beside the baseline's."""

from __future__ import annotations

from exporters.exported_architecture import ExportedArchitecture
from search_space.diagram.drawing import block_diagram


def render_block_diagram(exported: ExportedArchitecture) -> bytes:
    """The drawing as UTF-8 SVG."""
    return block_diagram(exported.architecture, exported.baseline).encode()
