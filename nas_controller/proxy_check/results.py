"""The results of a check's trainings: an append-only file of JSON lines, from which a check resumes.

A line is written and flushed to the disk when a training ends. A process that is killed while writing leaves an
incomplete last line, which is dropped. A training is identified by everything that determines its reward: base, widths,
the whole task, seed and data set. A failure is written too, with its error, and a later reward replaces it.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from nas_controller.proxy_check.same_data import data_by_selection
from nas_controller.proxy_check.study import Study, Training
from search_space.errors import InvalidValueError
from search_space.regular_file import read_regular


class Key(NamedTuple):
    """Everything that determines a reward. Numbers compare by value, so 1 and 1.0 in a task are the same."""

    base: str
    widths: tuple[int, ...]
    task: tuple[tuple[str, Any], ...]
    seed: int
    dataset: str | None


@dataclass(frozen=True)
class Result:
    """The outcome of one training and its key. A failed training has no `reward` but an `error`.

    `threads` is the number of processors that the training might use, `at_once` that of concurrent trainings. `data` is
    the identity of the data that it read (`proxy_trainer.data.data_identity`), None where it read none.
    """

    base: str
    widths: tuple[int, ...]
    task: Mapping[str, Any]
    seed: int
    dataset: str | None
    threads: int
    at_once: int
    reward: float | None
    metrics: Mapping[str, float]
    error: str | None
    effspine: str
    data: Mapping[str, Any] | None = None

    @property
    def key(self) -> Key:
        """The key of the training."""
        return Key(self.base, self.widths, tuple(sorted(self.task.items())), self.seed, self.dataset)


Results = dict[Key, Result]


def training_key(study: Study, training: Training) -> Key:
    """The key of a training of the study."""
    task = tuple(sorted(training.task.to_dict().items()))
    return Key(study.base.name, training.widths, task, training.seed, study.dataset)


def missing(study: Study, results: Results) -> list[Training]:
    """The trainings of the study that have no reward yet, in its order."""
    return [training for training in study.trainings() if not _has_reward(results.get(training_key(study, training)))]


def read(path: Path) -> Results:
    """The results in the file, none if it does not exist; an incomplete last line is dropped.

    Raises InvalidValueError with the line number for a line that is not a result, and where results that should have
    read the same data did not.
    """
    results: Results = {}
    try:
        content = read_regular(path)
    except FileNotFoundError:
        return results
    except OSError as error:
        raise InvalidValueError(f"the results in {path} cannot be read: {error.strerror}", field="out") from error
    for number, line in enumerate(content[: _complete_bytes(content)].splitlines(), start=1):
        _add(results, _parsed(line, path, number))
    data_by_selection(results.values())
    return results


class ResultsFile:
    """The open file, and all results in it."""

    def __init__(self, file: BinaryIO, results: Results) -> None:
        self._file = file
        self.results = results

    def append(self, result: Result) -> None:
        """Writes a result to the disk and adds it to `results`."""
        document = asdict(result)
        document["metrics"] = {name: value for name, value in result.metrics.items() if math.isfinite(value)}
        line = json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        _add(self.results, result)


@contextmanager
def open_results(path: Path) -> Iterator[ResultsFile]:
    """The file to append to, created if needed and locked until the block ends; an incomplete last line is removed.

    Raises InvalidValueError if another process has locked it or it cannot be written, and like `read`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise InvalidValueError(f"the results cannot be written to {path}: {error.strerror}", field="out") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidValueError(f"another process is writing to {path}", field="out") from None
        results = read(path)
        file.seek(0)
        file.truncate(_complete_bytes(file.read()))
        yield ResultsFile(file, results)


def _complete_bytes(content: bytes) -> int:
    """The length of the content up to the end of its last complete line."""
    return content.rfind(b"\n") + 1


def _parsed(line: bytes, path: Path, number: int) -> Result:
    try:
        document = json.loads(line)
        result = Result(**(document | {"widths": tuple(document["widths"])}))
        hash(result.key)
        if result.data is not None:
            hash(result.data["sha256"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidValueError(
            f"{path}, line {number}: this is not the result of a training ({error!r})", field="out"
        ) from error
    return result


def _add(results: Results, result: Result) -> None:
    """Adds a result. It replaces a failure, but never a reward."""
    if not _has_reward(results.get(result.key)):
        results[result.key] = result


def _has_reward(result: Result | None) -> bool:
    return result is not None and result.reward is not None
