"""Brings a sink up to the newest event of a campaign."""

from __future__ import annotations

from collections.abc import Callable

from nas_controller.entities.sinks import SinkPosition
from nas_controller.sinks.entries import Sums, entries_of
from nas_controller.sinks.record_source import RecordSource
from nas_controller.sinks.sink import Sink


def sync(
    source: RecordSource,
    sink: Sink,
    position: SinkPosition,
    save: Callable[[SinkPosition], None] = lambda position: None,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[SinkPosition, int]:
    """Writes what follows `position`, and calls `save` with each position that is written; returns the last one and
    the number of entries that were new to the sink.

    What the sink has beyond the position, since a process was killed before it could save it, is not written again. A
    sink that has less than it should, since its files were removed, is filled from the start. Raises SinkError.
    """
    has = sink.count(source)
    if has < position.written:
        position = SinkPosition()
    has_more = has - position.written
    choices = len(source.specification()["search_space"]["choices"])
    sums, added = Sums(**position.state), 0
    for events in source.events(position.sequence):
        if stopped():
            break
        entries = list(entries_of(events, sums, choices))
        new = entries[has_more:]
        has_more = max(0, has_more - len(entries))
        if new:
            sink.append(source, new)
            added += len(new)
        written = position.written + len(entries)
        position = SinkPosition(sequence=events[-1].sequence, written=written, state=sums.to_dict())
        save(position)
    return position, added
