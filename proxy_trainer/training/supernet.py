"""The common start of all trials: one wide network, trained once, of which each architecture takes its slices.

A reward differs from another by the architecture and by luck, above all that of the initial weights. Trials that start
from slices of the same trained weights share that luck, and need far fewer steps of their own. The wide network is as
wide, block by block, as the widest of some architectures of the search space. A step of its training trains the slices
of one of them, as in slimmable networks (Yu et al., 2019) and single-path one-shot search (Guo et al., 2020).

It has a seed of its own, `start_seed`: trials with other seeds, and other campaigns on the same data and task, start
from the same weights. They are kept in a file beside the packed images. One process trains them; the others wait.
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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from proxy_trainer.engine.engine import Engine, EngineState, fresh_state
from proxy_trainer.errors import StartDivergedError
from proxy_trainer.training.checkpoint import Checkpoint, CheckpointFile, trial_identity
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.parameters import Parameter, by_kind
from search_space.proxy_task import ProxyTask
from search_space.slices import Slices, slices
from search_space.space import Widths

STEPS_PER_SUBNET = 4
"""Steps of the wide network's training from one architecture to the next. The library under TensorFlow's kernels
prepares code for every new shape, which takes longer than a step."""

_DRAWS = 0
_WAIT_SECONDS = 0.5
_CHECKPOINT_SECONDS = 30.0

OnSupernetStep = Callable[[int, float | None], None]
"""Hears the steps done and the loss of the last one, None where another process trains."""

log = logging.getLogger(__name__)


class _Member(NamedTuple):
    """An architecture, how many weights and statistics it has, and where they are in the wide network."""

    architecture: Architecture
    sizes: tuple[int, int]
    weights: Slices
    statistics: Slices


class Supernet:
    """The trained wide network of one task, pool of architectures and data set.

    `pool` holds widths at the scale of `like`, whose structure all trials have; `data` is of `data_identity`, of
    the images that are trained on. The task's `start_steps` are more than none.
    """

    def __init__(
        self, task: ProxyTask, class_slots: int, like: Architecture, pool: Sequence[Widths], data: str
    ) -> None:
        self._task = task.of_start()
        self._seed = task.start_seed
        self._class_slots = class_slots
        self._pool = [replace(like, widths=tuple(widths)) for widths in pool]
        widest = replace(like, widths=tuple(np.max(pool, axis=0).tolist()))
        self._wide = self._parameters(widest)
        self._state: EngineState | None = None
        drawn = hashlib.sha256(json.dumps([list(widths) for widths in pool]).encode()).hexdigest()
        self._identity: dict[str, Any] = {**trial_identity(widest, self._task, self._seed, data), "pool": drawn}
        self.digest = hashlib.sha256(json.dumps(self._identity, sort_keys=True).encode()).hexdigest()

    def takes(self, candidate: Architecture) -> bool:
        """Whether the candidate has the structure of this start."""
        return candidate.structure == self._pool[0].structure

    def prepare(
        self, engine: Engine, batches: Callable[[], TrainingBatches], folder: Path, report: OnSupernetStep
    ) -> None:
        """Take the weights from their file in `folder`, or train them and write it.

        Every 30 seconds the state is written too, and a training that was cut off goes on from there. Where `report`
        raises, the training stops. Raises StartDivergedError where it leaves the finite numbers.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.digest[:32]}.checkpoint"
        file = CheckpointFile(path, self._identity)
        with _alone(path.with_suffix(".lock"), lambda: report(0, None)):
            found = file.load()
            if found is None:
                state, train_seconds = fresh_state(self._task, self._wide, self._seed), 0.0
            else:
                state, train_seconds = found.state, found.train_seconds
            if state.steps_done < self._task.steps:
                state = self._train(engine, batches(), state, file, train_seconds, report)
        self._state = state

    def state_of(self, candidate: Architecture, seed: int) -> EngineState:
        """Where a trial of the candidate starts; what the wide network lacks is initial, from `seed`."""
        assert self._state is not None, "prepare comes first"
        start = fresh_state(self._task, self._parameters(candidate), seed)
        member = self._member(candidate)
        weights = _filled(start.weights, self._state.weights, member.weights)
        return start._replace(
            weights=weights,
            average=weights,
            statistics=_filled(start.statistics, self._state.statistics, member.statistics),
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
        """The state after the steps that are left."""
        task, members = self._task, [self._member(each) for each in self._pool]
        wide = EngineState._make([*(vector.copy() for vector in state[:-1]), state.steps_done])
        started = written = time.monotonic()
        loss, member = None, members[0]
        with closing(batches.stream(state.steps_done, task.steps)) as stream:
            for step, batch in enumerate(stream, start=state.steps_done):
                if step % STEPS_PER_SUBNET == 0:
                    member = members[self._drawn(step // STEPS_PER_SUBNET)]
                    engine.load(member.architecture, self._seed, _cut(wide, member, step))
                rate, before = task.learning_rate_at(step), loss
                loss = engine.train_step(batch, rate, (self._seed, step)).total
                if not math.isfinite(loss):
                    raise StartDivergedError(step, rate, before)
                is_last = step + 1 == task.steps
                if is_last or (step + 1) % STEPS_PER_SUBNET == 0:
                    _put_back(wide, engine.state(), member)
                    wide = wide._replace(steps_done=step + 1)
                    now = time.monotonic()
                    if is_last or now - written >= _CHECKPOINT_SECONDS:
                        file.save(Checkpoint(wide, loss, seconds_before + now - started, 0.0))
                        written = now
                report(step + 1, loss)
        log.info("the common start of all trials is trained: %d steps, loss %.4g", task.steps, loss)
        return wide

    def _drawn(self, draw: int) -> int:
        return int(np.random.default_rng([self._seed, _DRAWS, draw]).integers(len(self._pool)))

    def _member(self, architecture: Architecture) -> _Member:
        own, wide = (by_kind(each) for each in (self._parameters(architecture), self._wide))
        sizes = sum(p.size for p in own[0]), sum(p.size for p in own[1])
        return _Member(architecture, sizes, slices(own[0], wide[0]), slices(own[1], wide[1]))

    def _parameters(self, architecture: Architecture) -> list[Parameter]:
        return parameters(self._task.architecture(architecture, self._class_slots))


def _cut(wide: EngineState, member: _Member, step: int) -> EngineState:
    """The slices of a member; a parameter that the wide network lacks starts at zero, which is no projection."""
    nothing, no_statistics = (np.zeros(size, np.float32) for size in member.sizes)
    weights, first, second = (
        _filled(nothing, vector, member.weights) if len(vector) else vector
        for vector in (wide.weights, wide.first, wide.second)
    )
    statistics = _filled(no_statistics, wide.statistics, member.statistics)
    return EngineState(weights, first, second, weights, statistics, step)


def _filled(narrow: npt.NDArray[np.float32], wide: npt.NDArray[np.float32], places: Slices) -> npt.NDArray[np.float32]:
    """The narrow vector with the shared values of the wide one."""
    filled = narrow.copy()
    filled[places.narrow] = wide[places.wide]
    return filled


def _put_back(wide: EngineState, narrow: EngineState, member: _Member) -> None:
    """Write the slices of a member into the wide vectors."""
    for name in ("weights", "first", "second"):
        if len(getattr(wide, name)):
            getattr(wide, name)[member.weights.wide] = getattr(narrow, name)[member.weights.narrow]
    wide.average[:] = wide.weights
    wide.statistics[member.statistics.wide] = narrow.statistics[member.statistics.narrow]


@contextmanager
def _alone(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Holds the lock file; until another process has let go of it, `on_wait` is called now and then."""
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                on_wait()
                time.sleep(_WAIT_SECONDS)
        yield
