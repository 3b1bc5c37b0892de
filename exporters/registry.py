"""The export formats by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporters.block_diagram import render_block_diagram
from exporters.block_specification import render_block_specification
from exporters.exported_architecture import ExportedArchitecture
from search_space.architecture import Architecture


@dataclass(frozen=True)
class Exporter:
    """One format: `render` returns the whole file."""

    name: str
    media_type: str
    suffix: str
    render: Callable[[ExportedArchitecture], bytes]

    def file_name(self, architecture: Architecture) -> str:
        """The name of the architecture's file in this format."""
        return f"{architecture.name}{self.suffix}"


EXPORTERS: dict[str, Exporter] = {}


def register(exporter: Exporter) -> None:
    """Adds a format. Raises ValueError where its name is taken."""
    if exporter.name in EXPORTERS:
        raise ValueError(f"there is already an exporter named {exporter.name!r}")
    EXPORTERS[exporter.name] = exporter


register(Exporter("json", "application/json", ".json", render_block_specification))
register(Exporter("svg", "image/svg+xml", ".svg", render_block_diagram))
