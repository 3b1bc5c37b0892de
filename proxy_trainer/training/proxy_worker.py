"""Trains and scores one architecture after another on one proxy task: what a warm worker does."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.engine import runtime
from proxy_trainer.engine.engine import DetectionBatch, Engine
from proxy_trainer.errors import NonFiniteLossError
from proxy_trainer.training.checkpoint import Checkpoint, CheckpointFile, IntermediateScore, data_identity, trial_identity
from proxy_trainer.training.supernet import Supernet
from proxy_trainer.training.evaluation import Detections, coco_metrics
from proxy_trainer.training.training_batches import TrainingBatches
from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.space import Widths

_EVALUATION_BATCH = 32
_PROGRESS_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a proxy is: steps done, of how many, the loss now, and the seconds since its start.

    `ap` is that of the reserved images, in the reports of every `evaluate_steps` steps; None in the others. `of_supernet`:
    the steps are those of the common start, which comes first where it is not there yet; the loss is None where another
    process trains it.
    """

    step: int
    steps: int
    loss: float | None
    seconds: float
    ap: float | None = None
    of_supernet: bool = False


Metrics = dict[str, float | None]


@dataclass
class _Trial:
    """A trial under way: the steps done, the loss of the last one, and the seconds of all processes that had it.

    `started` is when it would have begun, by the clock of this process, had it never been cut off.
    """

    engine: Engine
    file: CheckpointFile | None
    report: Callable[[Progress], None]
    started: float
    step: int = 0
    loss: float | None = None
    evaluate_seconds: float = 0.0
    scored: list[IntermediateScore] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def resume(self) -> None:
        """Go on from the checkpoint, where there is one that fits."""
        found = self.file.load() if self.file else None
        if self.file is None or found is None:
            return
        try:
            self.engine.restore(found.state)
        except ValueError as error:
            self.file.refuse(str(error))
            return
        self.step, self.loss = found.state.steps_done, found.loss
        self.started -= found.train_seconds + found.evaluate_seconds
        self.evaluate_seconds = found.evaluate_seconds
        self.scored = list(found.scored)
        log.info("goes on after step %d", self.step)

    def save(self) -> None:
        """Write a checkpoint, where there is a file for it."""
        if self.file is not None and self.loss is not None:
            train_seconds = self.seconds - self.evaluate_seconds
            scored = tuple(self.scored)
            self.file.save(Checkpoint(self.engine.state(), self.loss, train_seconds, self.evaluate_seconds, scored))

    def discard(self) -> None:
        """Remove the checkpoint."""
        if self.file is not None:
            self.file.discard()


class ProxyWorker:
    """A warm worker: the data packed, the graphs traced at the first architecture and used for all that follow.

    `seed` fixes the reserved images, the initial weights and the batches, which are the same for every architecture.
    `threads` is how many processors it may use. With the task's `start_steps`, the common start is trained for the
    architectures of `start_pool`, the first time that one is needed. Raises DataError where the data set cannot be
    used, InvalidValueError for a common start without architectures.
    """

    def __init__(
        self,
        task: ProxyTask,
        dataset_dir: Path,
        cache_dir: Path,
        seed: int,
        threads: int,
        start_pool: Sequence[Widths] = (),
    ) -> None:
        if task.start_steps and not start_pool:
            raise InvalidValueError("a common start needs the architectures that it is trained for", field="start_pool")
        runtime.start(threads)
        self._task = task
        self._start_pool = start_pool
        self._start: Supernet | None = None
        self._cache_dir = cache_dir
        self._seed = seed
        train, self._reserved = load_dataset(
            dataset_dir, reserved_images=task.reserved_images, reserve_from=task.reserve_from, seed=seed
        )
        self._train_split = decode_split(train, task.image_px, cache_dir)
        self._batches = TrainingBatches(self._train_split, task, seed)
        self._packed = decode_split(self._reserved, task.image_px, cache_dir)
        self._trained_on = data_identity(train)
        self._data = data_identity(train, self._reserved)
        self._class_slots = len(train.category_ids)
        self._engine: Engine | None = None

    def run(
        self,
        candidate: Architecture,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        checkpoint: Path | None = None,
        keep: bool = False,
    ) -> Metrics:
        """Train the candidate and score it: the COCO figures (`ap` is the reward), loss and seconds.

        With a `checkpoint` the trial goes on from that file, if it is there and of this very trial, and every
        `checkpoint_steps` steps it is written anew; the figures are those of a trial that was never cut off, and the
        seconds those of all its parts; every AP on the way is reported again. The file is removed when the trial ends.
        With `keep` it stays, with the trained state. Where `on_progress` raises, the trial stops there, and the file
        stays too.
        The common start, where this trial is the first to need it, is not in its seconds but in `start_seconds`.
        Raises NonFiniteLossError where training leaves the finite numbers.
        """
        report = on_progress or (lambda progress: None)
        began = time.perf_counter()
        engine = self._engine_for(candidate)
        start = self._start_for(candidate, engine, report)
        started = time.perf_counter()
        engine.load(candidate, self._seed, start.state_of(candidate, self._seed) if start else None)
        file = None
        if checkpoint is not None:
            digest = start.digest if start else None
            identity = trial_identity(candidate, self._task, self._seed, self._data, start=digest)
            file = CheckpointFile(checkpoint, identity)
        trial = _Trial(engine, file, report, started)
        trial.resume()
        try:
            self._train(trial)
        except NonFiniteLossError:
            if not keep:
                trial.discard()
            raise
        if keep:
            trial.save()
        metrics = self._score(trial)
        if not keep:
            trial.discard()
        seconds = trial.seconds
        return {
            **metrics,
            "loss": trial.loss,
            "steps": self._task.steps,
            "start_seconds": round(started - began, 3),
            "train_seconds": round(seconds - trial.evaluate_seconds, 3),
            "evaluate_seconds": round(trial.evaluate_seconds, 3),
            "seconds": round(seconds, 3),
        }

    def _engine_for(self, candidate: Architecture) -> Engine:
        """The engine that is there, or another where the candidate's structure is another."""
        if self._engine is None or not self._engine.takes(candidate):
            self._engine = Engine(self._task, self._class_slots, like=candidate)
        return self._engine

    def _start_for(
        self, candidate: Architecture, engine: Engine, report: Callable[[Progress], None]
    ) -> Supernet | None:
        """The common start of the candidate's structure, trained if need be; None where the task has none."""
        task = self._task
        if not task.start_steps:
            return None
        if self._start is None or not self._start.takes(candidate):
            began = time.perf_counter()
            start = Supernet(task, self._class_slots, candidate, self._start_pool, self._trained_on)
            reported = -math.inf

            def tell(step: int, loss: float | None) -> None:
                nonlocal reported
                now = time.perf_counter()
                if now - reported >= _PROGRESS_SECONDS or step == task.start_steps:
                    reported = now
                    report(Progress(step, task.start_steps, loss, now - began, of_supernet=True))

            start.prepare(
                engine,
                lambda: TrainingBatches(self._train_split, task, task.start_seed),
                self._cache_dir / "starts",
                tell,
            )
            self._start = start
        return self._start

    def _train(self, trial: _Trial) -> None:
        """The steps that are left."""
        task = self._task
        reported = -math.inf
        # A report of an earlier process may have been lost with its reader.
        for score in trial.scored:
            trial.report(Progress(score.step, task.steps, score.loss, score.seconds, score.ap))
        # Closed at once if a report raises: the next trial's batches must not be made beside this one's.
        with closing(self._batches.stream(trial.step, task.steps)) as batches:
            for step, batch in enumerate(batches, start=trial.step):
                rate = task.learning_rate_at(step)
                loss = trial.engine.train_step(batch, rate, (self._seed, step)).total
                if not math.isfinite(loss):
                    raise NonFiniteLossError(step, rate, trial.loss)
                trial.step, trial.loss = step + 1, loss
                is_last = trial.step == task.steps
                ap = self._score(trial)["ap"] if _is_due(trial.step, task.evaluate_steps) and not is_last else None
                now = time.perf_counter()
                if now - reported >= _PROGRESS_SECONDS or is_last or ap is not None:
                    reported = now
                    trial.report(Progress(trial.step, task.steps, loss, trial.seconds, ap))
                if ap is not None:
                    trial.scored.append(IntermediateScore(trial.step, loss, trial.seconds, ap))
                if _is_due(trial.step, task.checkpoint_steps):
                    trial.save()

    def _score(self, trial: _Trial) -> Metrics:
        """The COCO figures of the averaged weights on the reserved images."""
        began = time.perf_counter()
        metrics = coco_metrics(self._reserved, self._detect(trial.engine))
        trial.evaluate_seconds += time.perf_counter() - began
        return metrics

    def _detect(self, engine: Engine) -> Detections:
        """Detections on the reserved images, in pixels of the original ones."""
        parts = []
        for start in range(0, len(self._packed), _EVALUATION_BATCH):
            stop = min(start + _EVALUATION_BATCH, len(self._packed))
            found = engine.detect(self._packed.pixels[start:stop], self._packed.sizes[start:stop])
            parts.append(_in_original_pixels(found, np.arange(start, stop), self._packed.scales[start:stop]))
        return Detections(
            images=np.concatenate([part.images for part in parts]),
            boxes=np.concatenate([part.boxes for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
            categories=np.concatenate([part.categories for part in parts]),
        )


def _is_due(step: int, every: int) -> bool:
    """Whether something that is done every so many steps, or never where that is 0, is done after this one."""
    return every > 0 and step % every == 0


def _in_original_pixels(found: DetectionBatch, images: np.ndarray, scales: np.ndarray) -> Detections:
    """The real detections of a batch as columns, boxes (x, y, width, height)."""
    row, place = np.nonzero(np.arange(found.scores.shape[1]) < found.valid[:, None])
    y1, x1, y2, x2 = (found.boxes[row, place] / scales[row, None]).T
    return Detections(
        images=images[row],
        boxes=np.stack([x1, y1, x2 - x1, y2 - y1], axis=1),
        scores=found.scores[row, place],
        categories=found.classes[row, place].astype(np.int32),
    )
