"""TensorBoard event files: one for each campaign, to which entries are only appended.

Every entry is one record of the file, with all its values, so it is there as a whole or not at all, and the number of
records is the number of entries. A record that a killed process has left unfinished is cut off.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

from nas_controller.sinks.descriptions import fenced, finals_scalars, finals_table, hyperparameters, json_text
from nas_controller.sinks.entries import BEST, Entry
from nas_controller.sinks.record_source import RecordSource
from nas_controller.sinks.sink import SinkError
from search_space.file_names import file_stem

_LENGTH, _CRC = struct.Struct("<Q"), struct.Struct("<I")
_HEADER = _LENGTH.size + _CRC.size
_VERSION = "brain.Event:2"


class TensorBoardSink:
    """The event files below `directory`: `<name>-<campaign id>/events.out.tfevents.*`."""

    name: ClassVar[str] = "tensorboard"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[Path, tuple[int, int]] = {}  # size and number of records, as this process left them

    @property
    def target(self) -> str:
        """The digest of the directory."""
        return hashlib.sha256(str(self._directory.absolute()).encode()).hexdigest()

    def path(self, source: RecordSource) -> Path:
        """The event file of a campaign."""
        campaign = source.campaign()
        found = sorted(self._directory.glob(f"*{campaign.id}"))
        directory = found[0] if found else self._directory / f"{file_stem(campaign.name)}-{campaign.id}"
        return directory / f"events.out.tfevents.{int(campaign.created_at.timestamp())}.{campaign.id}"

    def count(self, source: RecordSource) -> int:
        """The number of entries in the file, 0 without one."""
        path = self.path(source)
        if not path.exists():
            return 0
        with self._opened(path) as (_, records):
            return max(0, records - 1)

    def append(self, source: RecordSource, entries: Sequence[Entry]) -> None:
        """Appends a record for each entry."""
        from tensorboardX.proto.event_pb2 import Event

        path = self.path(source)
        new = [Event(wall_time=each.at.timestamp(), step=each.step, summary=_summary(source, each)) for each in entries]
        with self._opened(path) as (file, records):
            if records == 0:
                new.insert(0, Event(wall_time=entries[0].at.timestamp(), file_version=_VERSION))
            file.write(b"".join(_record(each.SerializeToString()) for each in new))
            file.flush()
            os.fsync(file.fileno())
            self._known[path] = (file.tell(), records + len(new))

    @contextmanager
    def _opened(self, path: Path) -> Iterator[tuple[IO[bytes], int]]:
        """The file at its end, for this process alone, and its number of records."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                size = file.seek(0, os.SEEK_END)
                known_size, records = self._known.get(path, (-1, 0))
                if known_size != size:
                    file.seek(0)
                    end, records = _whole_records(file.read())
                    file.truncate(end)
                    file.seek(0, os.SEEK_END)
                    self._known[path] = (end, records)
                yield file, records
        except OSError as error:
            raise SinkError(f"TensorBoard: {path}: {error.strerror or error}") from error


def _whole_records(content: bytes) -> tuple[int, int]:
    """Where the last whole record ends, and the number of records up to there."""
    end = records = 0
    while end + _HEADER <= len(content):
        (length,) = _LENGTH.unpack_from(content, end)
        after = end + _HEADER + length + _CRC.size
        if after > len(content):
            break
        end, records = after, records + 1
    return end, records


def _record(data: bytes) -> bytes:
    """A record of the format TFRecord: length, its checksum, data, their checksum."""
    from tensorboardX.record_writer import masked_crc32c

    length = _LENGTH.pack(len(data))
    return length + _CRC.pack(masked_crc32c(length)) + data + _CRC.pack(masked_crc32c(data))


def _summary(source: RecordSource, entry: Entry) -> Any:
    """The values of an entry as one summary."""
    from tensorboardX import summary

    parts = [summary.scalar(name, value) for name, value in entry.scalars.items()]
    if entry.about == "specification":
        specification = source.specification()
        # The second and third part are the session's parameters and its end, of which only the first is known yet.
        experiment, start, _ = summary.hparams(hyperparameters(specification), {BEST: None})
        parts += [experiment, start, summary.text("specification", fenced(json_text(specification)))]
    elif entry.about == "finals" and (report := source.finals()) is not None:
        parts += [summary.scalar(name, value) for name, value in finals_scalars(report).items()]
        parts.append(summary.text("finals", finals_table(report)))
    elif entry.about == "end":
        parts.append(summary.text("state", entry.state))
        if entry.best is not None:
            parts.append(summary.text(f"best/trial-{entry.best}", fenced(source.architecture(entry.best))))
    merged = summary.Summary()
    for part in parts:
        merged.MergeFrom(part)
    return merged
