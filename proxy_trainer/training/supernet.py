"""The supernet: one wide network, trained once, whose slices are all architectures of a search space.

Rewards of short trainings vary with the initial weights as much as with the architecture. Slices of the same trained
weights share that variation, and can be scored without a training of their own. A training step updates the slice of
one random architecture of the space, as in slimmable networks (Yu et al., 2019) and single-path one-shot search with
uniform sampling (Guo et al., 2020).

The supernet depends on the seed `shared_seed`, not on the seed of a trial, so trials with other seeds and other
campaigns on the same data, task and space share it. It is stored beside the image cache. One process trains it while
others wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from proxy_trainer.engine.engine import Engine, EngineState, fresh_state, untrained_state
from proxy_trainer.errors import SharedTrainingDivergedError, write_error
from proxy_trainer.training.checkpoint import Checkpoint, CheckpointFile, trial_identity
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.parameters import Parameter, by_kind
from search_space.proxy_task import ProxyTask
from search_space.regular_file import open_regular
from search_space.slices import FlatTensors, Slices
from search_space.space import SearchSpace
from search_space.supernet_widths import random_widths, widest
from search_space.weights_files import weights_file_name

STEPS_PER_PATH = 4
"""Consecutive steps with the same architecture, since slicing another one takes up to a third of a step."""

_PATHS = 0
_LOCK_POLL_SECONDS = 0.5
_CHECKPOINT_SECONDS = 30.0
_VECTORS = ("weights", "first", "second")


class TrainedWeights(NamedTuple):
    """Trained shared weights in the file `path`: the digest of all that they depend on, and that of their values.

    `is_reused` says that they had been trained before.
    """

    identity: str
    sha256: str
    is_reused: bool
    path: Path


OnSupernetStep = Callable[[int, float | None], None]
"""Called with the steps done and the last loss, or None for the loss while another process trains."""

log = logging.getLogger(__name__)


class _Slice(NamedTuple):
    """An architecture, its numbers of weights and of statistics, and where they are in the supernet."""

    architecture: Architecture
    sizes: tuple[int, int]
    weights: Slices
    statistics: Slices


class Supernet:
    """The supernet of a task of kind shared, a search space and a data set.

    `data` is the digest of the `SplitIdentity` of the training images.
    """

    def __init__(self, task: ProxyTask, class_slots: int, space: SearchSpace, data: str) -> None:
        self._task = task.shared_task()
        self._seed = task.shared_seed
        self._class_slots = class_slots
        self._space = space
        network = task.architecture(space.architecture(widest(space), "supernet"), class_slots)
        # Unequal widths: where two blocks have equal ones, the network has no projection between them.
        network = replace(network, widths=_made_unequal(network.widths, task.width_divisor))
        self._wide = parameters(network)
        self._wide_tensors = tuple(map(FlatTensors, by_kind(self._wide)))
        self._trained: TrainedWeights | None = None
        self._average = self._statistics = np.zeros(0, np.float32)
        self._identity: dict[str, Any] = {
            **trial_identity(network, self._task, self._seed, data),
            "space": space.identity(),
        }
        self.digest = hashlib.sha256(json.dumps(self._identity, sort_keys=True).encode()).hexdigest()

    @property
    def trained(self) -> TrainedWeights:
        """The trained weights; `load_or_train` must have been called."""
        assert self._trained is not None, "call load_or_train first"
        return self._trained

    def load_or_train(
        self, engine: Engine, batches: Callable[[], TrainingBatches], directory: Path, report: OnSupernetStep
    ) -> None:
        """Loads the trained weights from `directory`, or trains them and saves them there.

        A checkpoint is written every 30 seconds, from which an interrupted training resumes. An exception that `report`
        raises ends the training. Raises SharedTrainingDivergedError where the loss is not finite, DiskFullError where
        there is no space, and DataError where the directory cannot be written.
        """
        path = directory / weights_file_name(self.digest)
        weights, file = (CheckpointFile(each, self._identity) for each in (path, path.with_suffix(".checkpoint")))
        with _exclusive_lock(path.with_suffix(".lock"), lambda: report(0, None)):
            file.remove_partial_files()
            found = self._load(weights, _only_average)
            is_reused = found is not None
            if found is None:
                weights.remove_partial_files()  # otherwise other workers may be writing what the database has
                found = self._train(engine, batches(), file, report)
                try:
                    weights.write(found)
                except OSError as error:
                    raise write_error(f"the shared weights {path}", error) from error
                file.discard()
        self._take(found.state, path, is_reused)

    def load(self, directory: Path) -> bool:
        """Loads the trained weights from `directory`; False where there are none of this supernet."""
        path = directory / weights_file_name(self.digest)
        found = self._load(CheckpointFile(path, self._identity), _only_average)
        if found is not None:
            self._take(found.state, path, is_reused=True)
        return found is not None

    def _take(self, state: EngineState, path: Path, is_reused: bool) -> None:
        self._average, self._statistics = state.average, state.statistics
        digest = hashlib.sha256(self._average.tobytes() + self._statistics.tobytes()).hexdigest()
        self._trained = TrainedWeights(self.digest, digest, is_reused, path)

    def _load(self, file: CheckpointFile, kept: Callable[[EngineState], EngineState]) -> Checkpoint | None:
        """The checkpoint in a file, None where there is none of this supernet; `kept` are the vectors that it has."""
        found = file.load()
        if found is None:
            return None
        wanted = kept(fresh_state(self._task, self._wide, self._seed))
        if _lengths(found.state) == _lengths(wanted) and found.state.steps_done <= self._task.steps:
            return found
        file.log_unusable("its vectors have the lengths of another network")
        return None

    def initial_state(self, candidate: Architecture, seed: int | None = None) -> EngineState:
        """The slice of an architecture, with moments of zero; `load_or_train` must have been called.

        Values that the supernet lacks are fresh ones from `seed`; without a seed they are zero and have no effect.
        """
        assert self._trained is not None, "call load_or_train first"
        slice_ = self._slice(candidate)
        weights, statistics = (np.zeros(size, np.float32) for size in slice_.sizes)
        if seed is not None:
            fresh = fresh_state(self._task, self._parameters(candidate), seed)
            weights, statistics = fresh.weights, fresh.statistics
        slice_.weights.read(self._average, weights)
        slice_.statistics.read(self._statistics, statistics)
        return untrained_state(self._task, weights, statistics)

    def _train(
        self, engine: Engine, batches: TrainingBatches, file: CheckpointFile, report: OnSupernetStep
    ) -> Checkpoint:
        """The trained weights, from the checkpoint in `file` on if there is one."""
        task = self._task
        found = self._load(file, lambda state: state)
        if found is None:
            found = Checkpoint(fresh_state(task, self._wide, self._seed), math.nan, 0.0, 0.0)
        else:
            log.info("the training of the shared weights resumes after step %d", found.state.steps_done)
        wide = EngineState._make([*(vector.copy() for vector in found.state[:-1]), found.state.steps_done])
        started = written = time.monotonic()
        slice_, loss = None, None if math.isnan(found.loss) else found.loss
        with closing(batches.stream(wide.steps_done, task.steps)) as stream:
            for step, batch in enumerate(stream, start=wide.steps_done):
                if slice_ is None:
                    slice_ = self._slice(self._path(step // STEPS_PER_PATH))
                    engine.load(slice_.architecture, self._seed, _read(wide, slice_, step))
                rate, loss_before = task.learning_rate_at(step), loss
                loss = engine.train_step(batch, rate, (self._seed, step)).total
                if not math.isfinite(loss):
                    raise SharedTrainingDivergedError(step, rate, loss_before)
                if step + 1 == task.steps or (step + 1) % STEPS_PER_PATH == 0:
                    _write(wide, engine.state(), slice_)
                    decay = task.ema_decay ** (step + 1 - wide.steps_done)
                    average = decay * wide.average + (1 - decay) * wide.weights
                    wide, slice_ = wide._replace(average=average, steps_done=step + 1), None
                    now = time.monotonic()
                    if now - written >= _CHECKPOINT_SECONDS:
                        file.save(Checkpoint(wide, loss, found.train_seconds + now - started, 0.0))
                        written = now
                report(step + 1, loss)
        assert loss is not None
        log.info("the shared weights are trained: %d steps, loss %.4g", task.steps, loss)
        return Checkpoint(_only_average(wide), loss, found.train_seconds + time.monotonic() - started, 0.0)

    def _path(self, number: int) -> Architecture:
        """The architecture of a draw, a function of seed and number."""
        random = np.random.default_rng([self._seed, _PATHS, number])
        return self._space.architecture(random_widths(self._space, random))

    def _slice(self, architecture: Architecture) -> _Slice:
        weights, statistics = map(FlatTensors, by_kind(self._parameters(architecture)))
        of_weights, of_statistics = self._wide_tensors
        return _Slice(
            architecture,
            (weights.size, statistics.size),
            Slices(weights, of_weights),
            Slices(statistics, of_statistics),
        )

    def _parameters(self, architecture: Architecture) -> list[Parameter]:
        return parameters(self._task.architecture(architecture, self._class_slots))


def _only_average(state: EngineState) -> EngineState:
    """A state without the vectors that slices do not need."""
    empty = np.zeros(0, np.float32)
    return state._replace(weights=empty, first=empty, second=empty)


def _lengths(state: EngineState) -> list[int]:
    return [len(vector) for vector in state[:-1]]


def _made_unequal(widths: Sequence[int], step: int) -> tuple[int, ...]:
    """The widths, increased by multiples of `step` where an earlier block has the same."""
    unequal: list[int] = []
    for width in widths:
        while width in unequal:
            width += step
        unequal.append(width)
    return tuple(unequal)


def _read(wide: EngineState, slice_: _Slice, step: int) -> EngineState:
    """The state of a slice, whose average is not used.

    Parameters that the supernet lacks, such as a projection, are zero and have no effect.
    """
    vectors = {}
    for name in _VECTORS:
        vector = getattr(wide, name)
        vectors[name] = np.zeros(slice_.sizes[0] if len(vector) else 0, np.float32)
        if len(vector):
            slice_.weights.read(vector, vectors[name])
    statistics = np.zeros(slice_.sizes[1], np.float32)
    slice_.statistics.read(wide.statistics, statistics)
    return EngineState(**vectors, average=vectors["weights"], statistics=statistics, steps_done=step)


def _write(wide: EngineState, narrow: EngineState, slice_: _Slice) -> None:
    """Writes the state of a slice into the vectors of the supernet, in place."""
    for name in _VECTORS:
        if len(getattr(wide, name)):
            slice_.weights.write(getattr(narrow, name), getattr(wide, name))
    slice_.statistics.write(narrow.statistics, wide.statistics)


@contextmanager
def _exclusive_lock(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Holds an exclusive lock on a file; calls `on_wait` twice a second while another process holds it."""
    with _lock_file(path) as file:
        while not _lock(file, path):
            on_wait()
            time.sleep(_LOCK_POLL_SECONDS)
        yield


def _lock_file(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open_regular(path, "ab")
    except OSError as error:
        raise write_error(f"the lock {path} of the shared weights", error) from error


def _lock(file: BinaryIO, path: Path) -> bool:
    """Locks the file; False where another process holds the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise write_error(f"the lock {path} of the shared weights", error) from error
    return True
