"""Trains and scores one architecture after another on one proxy task: what a warm worker does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from proxy_trainer import runtime
from proxy_trainer.batches import TrainingBatches
from proxy_trainer.coco_folder import load_dataset
from proxy_trainer.engine import DetectionBatch, Engine, TrainingBatch
from proxy_trainer.errors import NonFiniteLossError
from proxy_trainer.evaluation import Detections, coco_metrics
from proxy_trainer.packed import pack
from search_space.architecture import Architecture
from search_space.proxy_task import ProxyTask

_EVALUATION_BATCH = 32
_PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class Progress:
    """How far a proxy is: steps done, of how many, the loss now, and the seconds since its start."""

    step: int
    steps: int
    loss: float
    seconds: float


Metrics = dict[str, float | None]


class ProxyWorker:
    """A warm worker: the data packed, the graphs traced at the first architecture and used for all that follow.

    `seed` fixes the reserved images, the initial weights and the batches, which are the same for every architecture.
    `threads` is how many processors it may use. Raises DataError where the data set cannot be used.
    """

    def __init__(self, task: ProxyTask, dataset_dir: Path, cache_dir: Path, seed: int, threads: int) -> None:
        runtime.start(threads)
        self._task = task
        self._seed = seed
        train, self._reserved = load_dataset(
            dataset_dir, reserved_images=task.reserved_images, reserve_from=task.reserve_from, seed=seed
        )
        self._batches = TrainingBatches(pack(train, task.image_px, cache_dir), task, seed)
        self._packed = pack(self._reserved, task.image_px, cache_dir)
        self._class_slots = len(train.category_ids)
        self._engine: Engine | None = None

    def run(self, candidate: Architecture, on_progress: Callable[[Progress], None] | None = None) -> Metrics:
        """Train the candidate from scratch and score it: the COCO figures (`ap` is the reward), loss and seconds.

        Raises NonFiniteLossError where training leaves the finite numbers.
        """
        started = time.perf_counter()
        engine = self._engine_for(candidate)
        engine.load(candidate, self._seed)
        loss = self._train(engine, started, on_progress or (lambda progress: None))
        trained = time.perf_counter()
        metrics = coco_metrics(self._reserved, self._detect(engine))
        done = time.perf_counter()
        return {
            **metrics,
            "loss": loss,
            "steps": self._task.steps,
            "train_seconds": round(trained - started, 3),
            "evaluate_seconds": round(done - trained, 3),
            "seconds": round(done - started, 3),
        }

    def _engine_for(self, candidate: Architecture) -> Engine:
        """The engine that is there, or another where the candidate's structure is another."""
        if self._engine is None or not self._engine.takes(candidate):
            self._engine = Engine(self._task, self._class_slots, like=candidate)
        return self._engine

    def _train(self, engine: Engine, started: float, on_progress: Callable[[Progress], None]) -> float:
        """The loss of the last step."""
        task = self._task
        last_good: float | None = None
        reported = -math.inf
        for step, batch in enumerate(self._prefetched()):
            rate = task.learning_rate_at(step)
            loss = engine.train_step(batch, rate, (self._seed, step)).total
            if not math.isfinite(loss):
                raise NonFiniteLossError(step, rate, last_good)
            last_good = loss
            now = time.perf_counter()
            if now - reported >= _PROGRESS_SECONDS or step + 1 == task.steps:
                reported = now
                on_progress(Progress(step + 1, task.steps, loss, now - started))
        assert last_good is not None
        return last_good

    def _prefetched(self) -> Iterator[TrainingBatch]:
        """The batches in order, the next one made while the graph works on the one before."""
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            ahead = pool.submit(self._batches.batch, 0)
            for step in range(self._task.steps):
                batch = ahead.result()
                if step + 1 < self._task.steps:
                    ahead = pool.submit(self._batches.batch, step + 1)
                yield batch

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
