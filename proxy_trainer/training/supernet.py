"""The supernet: one wide network, trained once, whose slices are the common start of all trials.

Rewards of short trainings vary with the initial weights as much as with the architecture. Trials that start from slices
of the same trained weights share that variation, and need far fewer steps. Each block of the supernet is as wide as the
widest of a pool of architectures. A training step updates the slices of one of them, as in slimmable networks (Yu et
al., 2019) and single-path one-shot search (Guo et al., 2020).

The supernet depends on the seed `start_seed`, not on the seed of a trial, so trials with other seeds and other
campaigns on the same data and task share it. It is stored beside the image cache. One process trains it while others
wait.
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
import numpy.typing as npt

from proxy_trainer.engine.engine import Engine, EngineState, fresh_state
from proxy_trainer.engine.optimizers import has_second_moment
from proxy_trainer.errors import StartDivergedError, write_error
from proxy_trainer.training.checkpoint import Checkpoint, CheckpointFile, trial_identity
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.parameters import Parameter, by_kind
from search_space.proxy_task import ProxyTask
from search_space.regular_file import open_regular
from search_space.slices import Slices, slices
from search_space.space import Widths

STEPS_PER_SUBNET = 4
"""Consecutive steps with the same architecture: oneDNN prepares kernels for each new shape, which takes longer than a
step."""

_SUBNET_DRAWS = 0
_LOCK_POLL_SECONDS = 0.5
_CHECKPOINT_SECONDS = 30.0

OnSupernetStep = Callable[[int, float | None], None]
"""Called with the steps done and the last loss, or None for the loss while another process trains."""

log = logging.getLogger(__name__)


class _Subnet(NamedTuple):
    """An architecture, its numbers of weights and of statistics, and the slices that hold them in the supernet."""

    architecture: Architecture
    sizes: tuple[int, int]
    weights: Slices
    statistics: Slices


class Supernet:
    """The supernet of one task, pool of architectures and data set.

    `pool` holds widths at the scale of `like`, whose structure all trials share. `data` is the digest of the
    `SplitIdentity` of the training images. The task must have `start_steps` above 0.
    """

    def __init__(
        self, task: ProxyTask, class_slots: int, like: Architecture, pool: Sequence[Widths], data: str
    ) -> None:
        self._task = task.start_task()
        self._seed = task.start_seed
        self._class_slots = class_slots
        self._pool = [replace(like, widths=tuple(widths)) for widths in pool]
        widest = replace(like, widths=tuple(np.max(pool, axis=0).tolist()))
        self._wide = self._parameters(widest)
        self._state: EngineState | None = None
        pool_digest = hashlib.sha256(json.dumps([list(widths) for widths in pool]).encode()).hexdigest()
        self._identity: dict[str, Any] = {**trial_identity(widest, self._task, self._seed, data), "pool": pool_digest}
        self.digest = hashlib.sha256(json.dumps(self._identity, sort_keys=True).encode()).hexdigest()

    def supports(self, candidate: Architecture) -> bool:
        """Whether the candidate has the structure of this supernet."""
        return candidate.structure == self._pool[0].structure

    def load_or_train(
        self, engine: Engine, batches: Callable[[], TrainingBatches], directory: Path, report: OnSupernetStep
    ) -> None:
        """Loads the trained weights from `directory`, or trains them and saves them there.

        A checkpoint is written every 30 seconds, from which an interrupted training resumes. An exception of `report`
        ends the training. Raises StartDivergedError where the loss is not finite, DiskFullError where there is no
        space, and DataError where the directory cannot be written.
        """
        path = directory / f"{self.digest[:32]}.checkpoint"
        file = CheckpointFile(path, self._identity)
        with _exclusive_lock(path.with_suffix(".lock"), lambda: report(0, None)):
            found = file.load()
            if found is not None and not self._fits(found.state):
                file.log_unusable("its vectors have the lengths of another network")
                found = None
            if found is None:
                state, train_seconds = fresh_state(self._task, self._wide, self._seed), 0.0
            else:
                state, train_seconds = found.state, found.train_seconds
            if state.steps_done < self._task.steps:
                state = self._train(engine, batches(), state, file, train_seconds, report)
        self._state = state

    def _fits(self, state: EngineState) -> bool:
        """Whether a state is one of the supernet."""
        weights, statistics = (sum(p.size for p in group) for group in by_kind(self._wide))
        second = weights if has_second_moment(self._task) else 0
        lengths = [len(vector) for vector in state[:-1]]
        return lengths == [weights, weights, second, weights, statistics] and state.steps_done <= self._task.steps

    def initial_state(self, candidate: Architecture, seed: int) -> EngineState:
        """The initial state of a trial: slices of the supernet, and fresh values from `seed` for what it lacks.

        `load_or_train` must have been called.
        """
        assert self._state is not None, "call load_or_train first"
        fresh = fresh_state(self._task, self._parameters(candidate), seed)
        subnet = self._subnet(candidate)
        weights = _with_slices(fresh.weights, self._state.weights, subnet.weights)
        return fresh._replace(
            weights=weights,
            average=weights,
            statistics=_with_slices(fresh.statistics, self._state.statistics, subnet.statistics),
        )

    def _train(
        self,
        engine: Engine,
        batches: TrainingBatches,
        state: EngineState,
        file: CheckpointFile,
        seconds_before: float,
        report: OnSupernetStep,
    ) -> EngineState:
        """The state after the remaining steps."""
        task, subnets = self._task, [self._subnet(each) for each in self._pool]
        wide = EngineState._make([*(vector.copy() for vector in state[:-1]), state.steps_done])
        started = written = time.monotonic()
        loss, subnet = None, subnets[0]
        with closing(batches.stream(state.steps_done, task.steps)) as stream:
            for step, batch in enumerate(stream, start=state.steps_done):
                if step % STEPS_PER_SUBNET == 0:
                    subnet = subnets[self._draw(step // STEPS_PER_SUBNET)]
                    engine.load(subnet.architecture, self._seed, _read_slices(wide, subnet, step))
                rate, loss_before = task.learning_rate_at(step), loss
                loss = engine.train_step(batch, rate, (self._seed, step)).total
                if not math.isfinite(loss):
                    raise StartDivergedError(step, rate, loss_before)
                is_last = step + 1 == task.steps
                if is_last or (step + 1) % STEPS_PER_SUBNET == 0:
                    _write_slices(wide, engine.state(), subnet)
                    wide = wide._replace(steps_done=step + 1)
                    now = time.monotonic()
                    if is_last or now - written >= _CHECKPOINT_SECONDS:
                        file.save(Checkpoint(wide, loss, seconds_before + now - started, 0.0))
                        written = now
                report(step + 1, loss)
        log.info("the common start is trained: %d steps, loss %.4g", task.steps, loss)
        return wide

    def _draw(self, draw: int) -> int:
        """The index in the pool of a random architecture, a function of seed and draw."""
        return int(np.random.default_rng([self._seed, _SUBNET_DRAWS, draw]).integers(len(self._pool)))

    def _subnet(self, architecture: Architecture) -> _Subnet:
        narrow, wide = (by_kind(each) for each in (self._parameters(architecture), self._wide))
        sizes = sum(p.size for p in narrow[0]), sum(p.size for p in narrow[1])
        return _Subnet(architecture, sizes, slices(narrow[0], wide[0]), slices(narrow[1], wide[1]))

    def _parameters(self, architecture: Architecture) -> list[Parameter]:
        return parameters(self._task.architecture(architecture, self._class_slots))


def _read_slices(wide: EngineState, subnet: _Subnet, step: int) -> EngineState:
    """The state of a subnet. Parameters that the supernet lacks, such as a projection, are zero and have no effect."""
    zero_weights, zero_statistics = (np.zeros(size, np.float32) for size in subnet.sizes)
    weights, first, second = (
        _with_slices(zero_weights, vector, subnet.weights) if len(vector) else vector
        for vector in (wide.weights, wide.first, wide.second)
    )
    statistics = _with_slices(zero_statistics, wide.statistics, subnet.statistics)
    return EngineState(weights, first, second, weights, statistics, step)


def _with_slices(
    narrow: npt.NDArray[np.float32], wide: npt.NDArray[np.float32], places: Slices
) -> npt.NDArray[np.float32]:
    """A copy of the narrow vector whose shared values are those of the wide one."""
    result = narrow.copy()
    result[places.narrow] = wide[places.wide]
    return result


def _write_slices(wide: EngineState, narrow: EngineState, subnet: _Subnet) -> None:
    """Writes the state of a subnet into the vectors of the supernet, in place."""
    for name in ("weights", "first", "second"):
        if len(getattr(wide, name)):
            getattr(wide, name)[subnet.weights.wide] = getattr(narrow, name)[subnet.weights.narrow]
    wide.average[:] = wide.weights
    wide.statistics[subnet.statistics.wide] = narrow.statistics[subnet.statistics.narrow]


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
        raise write_error(f"the lock {path} of the common start", error) from error


def _lock(file: BinaryIO, path: Path) -> bool:
    """Locks the file; False where another process holds the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise write_error(f"the lock {path} of the common start", error) from error
    return True
