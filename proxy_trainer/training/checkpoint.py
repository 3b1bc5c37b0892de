"""A trial's state on disk, so that a long training goes on where it was cut off.

One file a trial. Its first line is `effspine-checkpoint 2 SHA256`, the digest of every byte after that line. The rest
is a NumPy archive (`np.load`, no pickle): the vectors and the counter of `EngineState` by their names, `loss`,
`train_seconds`, `evaluate_seconds` and `scored` of `Checkpoint`, the last with one row a score, and `identity`, a JSON
text that says whose state it is.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import io
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.engine.engine import EngineState
from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask

_MAGIC = b"effspine-checkpoint"
_FORMAT_VERSION = 2
"""Raise it when the file changes, or what a training step does with the same state."""

_HARMLESS_FIELDS = ("profile", "evaluate_steps", "checkpoint_steps")
"""Fields of a proxy task that move no weight, so a checkpoint of other values is as good."""

log = logging.getLogger(__name__)


class IntermediateScore(NamedTuple):
    """What a trial measured on the way: after `step` steps and so many `seconds`, the loss, and the AP of the reserved
    images.
    """

    step: int
    loss: float
    seconds: float
    ap: float


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trial after some of its steps: the state, the loss of the last one, the seconds spent so far, and every score
    on the way, since whoever was told of them may have been cut off too.
    """

    state: EngineState
    loss: float
    train_seconds: float
    evaluate_seconds: float
    scored: tuple[IntermediateScore, ...] = ()


class CheckpointFile:
    """The checkpoint of one trial at `path`; `identity` is what its weights depend on (`trial_identity`).

    A file that does not fit is as good as none, and a checkpoint that cannot be written costs time only if the trial
    is cut off: neither is an error, both are logged as a warning.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path = path
        self._identity: dict[str, Any] = json.loads(json.dumps(identity))

    def load(self) -> Checkpoint | None:
        """The checkpoint, or None where there is none, or none that is whole and of this trial."""
        self._remove_partial_files()
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.refuse(f"it cannot be read ({error.strerror or error})")
            return None
        try:
            archive = _archive(content)
            _check_identity(json.loads(str(archive["identity"])), self._identity)
            return _checkpoint(archive)
        except _UnusableError as error:
            self.refuse(str(error))
        except Exception as error:  # whatever NumPy raises over an archive that we did not write
            self.refuse(f"it cannot be read ({type(error).__name__}: {error})")
        return None

    def refuse(self, reason: str) -> None:
        """Log why the file is not used."""
        log.warning("the checkpoint %s is not used: %s; training starts at step 0", self._path, reason)

    def save(self, checkpoint: Checkpoint) -> None:
        """Put the checkpoint in place of the one before, whole or not at all."""
        partial = self._path.with_name(f".{self._path.name}.{uuid4().hex[:12]}.partial")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "xb") as file:
                file.write(_content(checkpoint, self._identity))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as error:
            why = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror or error
            log.warning(
                "cannot write the checkpoint %s at step %d: %s; the trial goes on without it",
                *(self._path, checkpoint.state.steps_done, why),
            )
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the checkpoint, if there is one."""
        _remove(self._path)
        self._remove_partial_files()

    def _remove_partial_files(self) -> None:
        """What a process left that was killed while it wrote."""
        for left in self._path.parent.glob(f".{glob.escape(self._path.name)}.*.partial"):
            _remove(left)


def check_overwritable(path: Path) -> None:
    """Raises InvalidValueError where a checkpoint at this path would take the place of something else."""
    if path.is_dir():
        raise InvalidValueError(f"the checkpoint {path} is a folder; name a file")
    if path.exists():
        with open(path, "rb") as file:
            if file.read(len(_MAGIC)) not in (_MAGIC, b""):
                raise InvalidValueError(f"the file {path} is no checkpoint and would be overwritten; name another one")


def trial_identity(
    candidate: Architecture, task: ProxyTask, seed: int, data: str, *, start: str | None = None
) -> dict[str, Any]:
    """What the weights of a trial depend on, as plain JSON values.

    `data` is of `data_identity`, `start` the digest of a common start, None where there is none.
    """
    architecture = asdict(candidate)
    del architecture["name"]
    return {
        "effspine": version("effspine"),
        "tensorflow": str(tf.__version__),
        "task": {name: value for name, value in task.to_dict().items() if name not in _HARMLESS_FIELDS},
        "architecture": architecture,
        "seed": seed,
        "data": data,
        "start": start,
    }


def data_identity(*splits: CocoSplit) -> str:
    """A digest of annotations and of the names, sizes and times of images; they are not read."""
    digest = hashlib.sha256()
    for split in splits:
        digest.update(json.dumps([split.annotations_sha256, len(split)]).encode())
        for index, name in enumerate(split.file_names):
            status = split.path(index).stat()
            digest.update(json.dumps([name, status.st_size, status.st_mtime_ns]).encode())
    return digest.hexdigest()


class _UnusableError(Exception):
    """Why a file is not used."""


def _content(checkpoint: Checkpoint, identity: Mapping[str, Any]) -> bytes:
    values: dict[str, Any] = {
        "identity": json.dumps(identity, sort_keys=True),
        "loss": checkpoint.loss,
        "train_seconds": checkpoint.train_seconds,
        "evaluate_seconds": checkpoint.evaluate_seconds,
        "scored": np.reshape(np.array(checkpoint.scored, np.float64), (-1, len(IntermediateScore._fields))),
        **checkpoint.state._asdict(),
    }
    archive = io.BytesIO()
    np.savez(archive, **values)
    body = archive.getvalue()
    return _first_line(body) + body


def _first_line(body: bytes) -> bytes:
    return b"%s %d %s\n" % (_MAGIC, _FORMAT_VERSION, hashlib.sha256(body).hexdigest().encode())


def _archive(content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file, after its digest was found right."""
    line, _, body = content.partition(b"\n")
    words = line.split(b" ")
    if words[0] != _MAGIC:
        raise _UnusableError("it is no checkpoint")
    if words[1:2] != [b"%d" % _FORMAT_VERSION]:
        raise _UnusableError("its format is of another version")
    if line + b"\n" != _first_line(body):
        raise _UnusableError("its content does not match its checksum, so it is torn or changed")
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        return dict(archive)


def _check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    ours, theirs = _flat(wanted), _flat(found)
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            raise _UnusableError(f"its {name} is {theirs.get(name)!r}, and of this trial {ours.get(name)!r}")


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The fields of a document by dotted path."""
    fields: dict[str, Any] = {}
    for name, value in document.items():
        fields |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return fields


def _checkpoint(archive: Mapping[str, npt.NDArray[Any]]) -> Checkpoint:
    *vectors, steps_done = (archive[name] for name in EngineState._fields)
    if any(vector.dtype != np.float32 for vector in vectors):
        raise _UnusableError("its vectors are not of single precision")
    return Checkpoint(
        EngineState._make([*vectors, int(steps_done)]),
        loss=float(archive["loss"]),
        train_seconds=float(archive["train_seconds"]),
        evaluate_seconds=float(archive["evaluate_seconds"]),
        scored=tuple(IntermediateScore(int(step), *figures) for step, *figures in archive["scored"].tolist()),
    )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("cannot remove %s: %s", path, error.strerror or error)
