"""Checkpoints: the state of a trial in a file, from which an interrupted training resumes.

The arrays of the file (`proxy_trainer.training.checkpoint_archive`) are the fields of `EngineState`; `loss`,
`train_seconds` and `evaluate_seconds` of `Checkpoint`; `scored`, one row for each of its `scores`; and the identity of
the trial.
"""

from __future__ import annotations

import glob
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from proxy_trainer.engine.engine import EngineState
from proxy_trainer.errors import why_not_written
from proxy_trainer.training.checkpoint_archive import MAGIC, UnusableError, archive_content, read_archive
from search_space.architecture import Architecture
from search_space.atomic_file import move_aside, write_atomically
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.regular_file import open_regular, read_regular

_IGNORED_FIELDS = ("profile", "recalibration_images", "evaluate_steps", "checkpoint_steps")
"""Fields of a proxy task without influence on the weights: a checkpoint with other values can be resumed."""

log = logging.getLogger(__name__)


class IntermediateScore(NamedTuple):
    """The loss and the AP on the reserved images after `step` steps and `seconds` of a trial."""

    step: int
    loss: float
    seconds: float
    ap: float


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trial after some of its steps: the state, the last loss, the seconds so far, and all intermediate scores.

    The scores are stored because the receiver of their reports may have been interrupted too.
    """

    state: EngineState
    loss: float
    train_seconds: float
    evaluate_seconds: float
    scores: tuple[IntermediateScore, ...] = ()


class CheckpointFile:
    """The checkpoint file of one trial, at `path`; `identity` is its `trial_identity`.

    An unusable file is treated as absent, and a failed write is tolerated, because a checkpoint only saves time. Both
    are logged as warnings.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self._path = path
        self._identity: dict[str, Any] = json.loads(json.dumps(identity))

    def load(self) -> Checkpoint | None:
        """The checkpoint, or None where the file is absent, damaged or of another trial."""
        try:
            content = read_regular(self._path)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.log_unusable(f"it cannot be read ({error.strerror or error})")
            self._clear_path()
            return None
        try:
            return _checkpoint(read_archive(content, self._identity, of="trial"))
        except UnusableError as error:
            self.log_unusable(str(error))
        except Exception as error:  # an array is missing, or has another type
            self.log_unusable(f"it cannot be read ({type(error).__name__}: {error})")
        return None

    def _clear_path(self) -> None:
        """Moves a directory or pipe away that is in the place of the file, so that a checkpoint can be written."""
        if self._path.is_file():
            return
        try:
            moved_to = move_aside(self._path)
        except OSError as error:
            log.warning("cannot move %s: %s", self._path, error.strerror or error)
        else:
            log.warning("%s is now %s", self._path, moved_to)

    def log_unusable(self, reason: str) -> None:
        """Logs a warning that the file is not used, and why."""
        log.warning("the checkpoint %s is not used: %s", self._path, reason)

    def save(self, checkpoint: Checkpoint) -> None:
        """Replaces the file by this checkpoint, atomically."""
        try:
            self.write(checkpoint)
        except OSError as error:
            log.warning(
                "cannot write the checkpoint %s at step %d: %s; the trial continues without it",
                *(self._path, checkpoint.state.steps_done, why_not_written(error)),
            )

    def write(self, checkpoint: Checkpoint) -> None:
        """As `save`, but raises OSError where the file cannot be written."""
        write_atomically(self._path, archive_content(_arrays(checkpoint), self._identity))

    def discard(self) -> None:
        """Removes the file, if it exists, and its partial files."""
        _remove(self._path)
        self.remove_partial_files()

    def remove_partial_files(self) -> None:
        """Removes the partial files of processes that were killed during a write; no process may be writing now."""
        for partial in self._path.parent.glob(f".{glob.escape(self._path.name)}.*.partial"):
            _remove(partial)


def check_overwritable(path: Path) -> None:
    """Raises InvalidValueError where a checkpoint at this path would overwrite something other than a checkpoint."""
    if not path.exists():
        return
    try:
        with open_regular(path) as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise InvalidValueError(f"the checkpoint {path} cannot be read: {error.strerror}; name another file") from None
    if magic not in (MAGIC, b""):
        raise InvalidValueError(f"the file {path} is not a checkpoint and would be overwritten; name another one")


def trial_identity(
    candidate: Architecture, task: ProxyTask, seed: int, data: str, *, start: str | None = None
) -> dict[str, Any]:
    """Everything that the weights of a trial depend on, as JSON values.

    `data` is the digest of its `DataIdentity`, `start` the digest of its supernet, or None without one.
    """
    architecture = asdict(candidate)
    del architecture["name"]
    return {
        "effspine": version("effspine"),
        "tensorflow": str(tf.__version__),
        "task": {name: value for name, value in task.to_dict().items() if name not in _IGNORED_FIELDS},
        "architecture": architecture,
        "seed": seed,
        "data": data,
        "start": start,
    }


def _arrays(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "loss": checkpoint.loss,
        "train_seconds": checkpoint.train_seconds,
        "evaluate_seconds": checkpoint.evaluate_seconds,
        "scored": np.reshape(np.array(checkpoint.scores, np.float64), (-1, len(IntermediateScore._fields))),
        **checkpoint.state._asdict(),
    }


def _checkpoint(archive: Mapping[str, npt.NDArray[Any]]) -> Checkpoint:
    *vectors, steps_done = (archive[name] for name in EngineState._fields)
    if any(vector.dtype != np.float32 or vector.ndim != 1 for vector in vectors):
        raise UnusableError("its vectors are not flat or do not have single precision")
    return Checkpoint(
        EngineState._make([*vectors, int(steps_done)]),
        loss=float(archive["loss"]),
        train_seconds=float(archive["train_seconds"]),
        evaluate_seconds=float(archive["evaluate_seconds"]),
        scores=tuple(IntermediateScore(int(step), *figures) for step, *figures in archive["scored"].tolist()),
    )


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("cannot remove %s: %s", path, error.strerror or error)
