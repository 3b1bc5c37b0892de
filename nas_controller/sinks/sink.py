"""What every sink does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from nas_controller.sinks.entries import Entry
from nas_controller.sinks.record_source import RecordSource
from search_space.errors import EffspineError


class SinkError(EffspineError):
    """A sink cannot be written, for now or at all; the message names it."""


class Sink(Protocol):
    """A place that shows campaigns. Every method raises SinkError."""

    name: ClassVar[str]

    @property
    def target(self) -> str:
        """The digest of its address."""

    def count(self, source: RecordSource) -> int:
        """The number of entries that it has of a campaign, whoever wrote them."""

    def append(self, source: RecordSource, entries: Sequence[Entry]) -> None:
        """Adds entries after those that it has. After a kill in between it has the first of them, or none."""
