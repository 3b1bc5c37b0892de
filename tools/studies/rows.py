"""The rows of a study: what it has measured, as lines of JSON. Its page is made of them and of nothing else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from search_space.atomic_file import write_atomically
from search_space.errors import EffspineError, InvalidValueError
from search_space.space import Widths

DIGITS = 6
"""AP and seconds are rounded to this many digits behind the point."""


class Settings(NamedTuple):
    """What was run: the command, the version, and the proxy tasks of the searches and of the finals."""

    command: str
    effspine: str
    profile: str
    overrides: tuple[str, ...]
    finals_task: str
    is_synthetic: bool


class Search(NamedTuple):
    """A search that has ended.

    `dataset` describes its data. Seconds are of one processor, but `wall_seconds`: `shared_seconds` of training the
    shared weights, or of loading them where they had been trained, and `trial_seconds` of its trials.
    """

    name: str
    algorithm: str
    dataset: str
    seed: int
    trials: int
    shared_seconds: float
    trial_seconds: float
    wall_seconds: float


class Trial(NamedTuple):
    """A trial of a search, with another architecture than every earlier one; number 0 is the uniform baseline."""

    search: str
    number: int
    ap: float
    params: int
    madds: int
    widths: Widths


class Finalist(NamedTuple):
    """An architecture that is trained alone; `search`, `number` and `estimate` are None where no search found it."""

    label: str
    search: str | None
    number: int | None
    estimate: float | None
    params: int
    madds: int
    widths: Widths


class Final(NamedTuple):
    """A training of a finalist alone; `seconds` are of one processor."""

    dataset: str
    label: str
    seed: int
    ap: float
    seconds: float


Row = TypeVar("Row", Settings, Search, Trial, Finalist, Final)


class Rows(NamedTuple):
    """All rows of a study."""

    settings: Settings
    searches: tuple[Search, ...]
    trials: tuple[Trial, ...]
    finalists: tuple[Finalist, ...]
    finals: tuple[Final, ...]


_FILES: tuple[tuple[str, type[Any]], ...] = (
    ("settings.jsonl", Settings),
    ("searches.jsonl", Search),
    ("trials.jsonl.gz", Trial),
    ("finalists.jsonl", Finalist),
    ("finals.jsonl", Final),
)


def write_rows(directory: Path, rows: Rows) -> None:
    """Writes the rows, a file of each kind; equal rows give equal bytes. Raises EffspineError."""
    for (name, _), found in zip(_FILES, rows, strict=True):
        of_kind: Iterable[Any] = [found] if isinstance(found, Settings) else found
        lines = "".join(json.dumps(_rounded(row), ensure_ascii=False) + "\n" for row in of_kind).encode()
        path = directory / name
        try:
            write_atomically(path, gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
        except OSError as error:
            raise EffspineError(f"cannot write {path}: {error.strerror}") from error


def read_rows(directory: Path) -> Rows:
    """The rows of a study. Raises InvalidValueError, with the file, where there are none."""
    settings, searches, trials, finalists, finals = (_read(directory / name, kind) for name, kind in _FILES)
    return Rows(settings[0], searches, trials, finalists, finals)


def _read(path: Path, kind: type[Row]) -> tuple[Row, ...]:
    try:
        content = path.read_bytes()
        lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()
        return tuple(kind(**_tuples(json.loads(line))) for line in lines)
    except FileNotFoundError as error:
        message = f"{path} has no rows of a study: the file does not exist; run the study without --page-only first"
        raise InvalidValueError(message, field="out") from error
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise InvalidValueError(f"{path} has no rows of a study: {error}", field="out") from error


def _rounded(row: Any) -> dict[str, Any]:
    return {name: round(value, DIGITS) if isinstance(value, float) else value for name, value in row._asdict().items()}


def _tuples(document: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}
