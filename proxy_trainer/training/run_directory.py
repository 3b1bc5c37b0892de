"""The directory of a training run: its checkpoint, history and description, replaced atomically, and its models.

best/           the model directory of the best evaluation
last/           that of the checkpoint, with metrics where it was evaluated
checkpoint      everything that the next step depends on (`proxy_trainer.training.checkpoint_archive`)
history.jsonl   a row for each logged step: losses, learning rate, and metrics where it was evaluated
run.json        what is trained, by what, how far, the best so far, and the seconds that it took
tensorboard/    the history as event files

A model directory is replaced in two renames. Where a process is killed between them, the next one restores the old
model before it trains.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy.typing as npt

from proxy_trainer.errors import write_error
from proxy_trainer.training.checkpoint_archive import OtherIdentityError, UnusableError, archive_content, read_archive
from search_space.atomic_file import fsync_directory, fsync_tree, partial_path, write_atomically
from search_space.errors import InvalidValueError
from search_space.regular_file import open_regular, read_regular
from search_space.run_files import BEST, CHECKPOINT, DESCRIPTION, HISTORY, LAST

_LOCK = ".lock"

Row = dict[str, Any]


class RunDirectory:
    """The directory of one training run, which `identity` identifies: all that its weights depend on.

    Use it in `locked`. Every method that writes raises DiskFullError or DataError where that fails.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self._identity = identity
        self._history: BinaryIO | None = None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Makes the directory, and holds it for this process, so that no other one trains in it.

        Raises InvalidValueError where another one does, or the directory has files but no training.
        """
        with self._errors("the directory"):
            self.path.mkdir(parents=True, exist_ok=True)
            names = sorted(entry.name for entry in self.path.iterdir() if not entry.name.startswith("."))
            if names and CHECKPOINT not in names:
                raise InvalidValueError(
                    f"{self.path} has files, such as {names[0]}, but no training; name another directory", field="out"
                )
            lock = open_regular(self.path / _LOCK, "ab")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InvalidValueError(
                    f"another process trains in {self.path}; wait for it, or name another directory", field="out"
                ) from None
            self._restore_models()
            self._remove_partial_files()
            try:
                yield
            finally:
                if self._history is not None:
                    self._history.close()

    def load(self) -> dict[str, npt.NDArray[Any]] | None:
        """The arrays of the checkpoint, None where the training has not begun.

        Raises InvalidValueError for a checkpoint that is damaged, or of a training with another identity.
        """
        path = self.path / CHECKPOINT
        try:
            return read_archive(read_regular(path), self._identity, of="training")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidValueError(f"the checkpoint {path} cannot be read: {error.strerror}", field="out") from error
        except OtherIdentityError as error:
            raise InvalidValueError(
                f"{self.path} has another training, which is not continued: {error}; name another directory, or "
                "remove this one",
                field="out",
            ) from error
        except UnusableError as error:
            raise InvalidValueError(
                f"the checkpoint {path} cannot be used: {error}; name another directory, or remove this one",
                field="out",
            ) from error

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Replaces the checkpoint, once the history is on the disk."""
        with self._errors(CHECKPOINT):
            if self._history is not None:
                self._history.flush()
                os.fsync(self._history.fileno())
            write_atomically(self.path / CHECKPOINT, archive_content(arrays, self._identity))

    def open_history(self, steps_done: int) -> list[Row]:
        """The rows up to a step; later ones, which are trained again, are removed."""
        path = self.path / HISTORY
        with self._errors(HISTORY):
            lines = read_regular(path).splitlines() if path.exists() else []
            rows = [row for row in map(_row, lines) if row is not None and row["step"] <= steps_done]
            write_atomically(path, b"".join(map(_line, rows)))
            self._history = open_regular(path, "ab")
        return rows

    def append(self, row: Row) -> None:
        """Adds a row to the history."""
        assert self._history is not None, "call open_history first"
        with self._errors(HISTORY):
            self._history.write(_line(row))
            self._history.flush()

    def describe(self, document: Mapping[str, Any]) -> None:
        """Replaces `run.json`."""
        with self._errors(DESCRIPTION):
            content = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
            write_atomically(self.path / DESCRIPTION, content.encode())

    def replace_model(self, name: str, save: Callable[[Path], None]) -> None:
        """Replaces the model directory `name` by what `save` writes into an empty directory."""
        target = self.path / name
        new, old = partial_path(target), self._replaced(name)
        with self._errors(name):
            new.mkdir()
            save(new)
            fsync_tree(new)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
                target.rename(old)
            new.rename(target)
            fsync_directory(self.path)
            shutil.rmtree(old, ignore_errors=True)

    def _replaced(self, name: str) -> Path:
        """The place of a model directory while another replaces it."""
        return self.path / f".{name}.replaced"

    def _restore_models(self) -> None:
        """Restores the models of a process that was killed while it replaced them."""
        for name in (BEST, LAST):
            target, old = self.path / name, self._replaced(name)
            with self._errors(name):
                if old.is_dir() and not target.exists():
                    old.rename(target)
            shutil.rmtree(old, ignore_errors=True)

    def _remove_partial_files(self) -> None:
        """Removes what processes that were killed while they wrote have left."""
        for partial in self.path.glob(".*.partial"):
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
            else:
                partial.unlink(missing_ok=True)

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(f"{name} of the training in {self.path}", error) from error


def _line(row: Row) -> bytes:
    return json.dumps(row).encode() + b"\n"


def _row(line: bytes) -> Row | None:
    """The row of a line; None for the cut last line of a process that was killed."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
