"""A warm worker: trains and scores one architecture after another on one proxy task."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.data_identity import DataIdentity, SplitIdentity, digests_by_path, image_digests
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.data.fresh_images import load_splits
from proxy_trainer.engine import runtime
from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.errors import NonFiniteLossError, SharedWeightsChangedError
from proxy_trainer.training.checkpoint import CheckpointFile, IntermediateScore, trial_identity
from proxy_trainer.training.detectors import detector_of
from proxy_trainer.training.evaluation import CocoEvaluator, Detections
from proxy_trainer.training.rate_limit import RateLimit, is_due
from proxy_trainer.training.scoring import PaddedImages, detections_on, recalibration_images, scored_statistics
from proxy_trainer.training.supernet import Supernet, TrainedWeights
from proxy_trainer.training.training_batches import TrainingBatches
from proxy_trainer.training.trial_run import Progress, TrialRun
from search_space.architecture import Architecture
from search_space.detector_model import DetectorModel
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.space import SearchSpace
from search_space.weights_files import shared_weights_dir

Metrics = dict[str, float | None]


class ProxyWorker:
    """Trains trials one after another with decoded images and graphs that are traced once, for the first trial.

    `seed` determines the reserved images, the initial weights and the batches, equally for every architecture;
    `threads` is the number of processors to use. A task of kind shared has a supernet for `space`, which is trained
    when it is first needed, unless another process has done so. `identity` is that of the data, which are read once;
    `categories` are the (id, name) of each class slot. `alive` is called now and then while they are read; an exception
    that it raises ends the call. With `search_task`, the reserved images are those of finals
    (`proxy_trainer.data.fresh_images`), and `has_fresh_images` says whether none of them has given a reward of that
    task; `search_identity` is then that of the data which the search reads of the data set as it is now, and None
    otherwise. Raises DataError where the data set cannot be used, DataAwayError where it is away, DiskFullError where
    there is no space for the image cache, and InvalidValueError (field `space`) for a task of kind shared without a
    space.
    """

    def __init__(
        self,
        task: ProxyTask,
        dataset_dir: Path,
        cache_dir: Path,
        seed: int,
        threads: int,
        space: SearchSpace | None = None,
        alive: Callable[[], None] = lambda: None,
        search_task: ProxyTask | None = None,
    ) -> None:
        if task.kind == "shared" and space is None:
            raise InvalidValueError("shared weights need the search space that they are trained for", field="space")
        runtime.start(threads)
        self._space = space
        self._supernet: Supernet | None = None
        self._cache_dir = cache_dir
        self._seed = seed
        splits = load_splits(dataset_dir, task, seed, search_task)
        train, self._reserved, self.has_fresh_images = splits.train, splits.reserved, splits.is_fresh
        self._task = task = task.on(len(train))
        self._train_images = decode_split(train, task.image_px, cache_dir, threads=threads, alive=alive)
        self._batches = {seed: TrainingBatches(self._train_images, task, seed)}
        self._reserved_images = decode_split(self._reserved, task.image_px, cache_dir, threads=threads, alive=alive)
        self.identity = DataIdentity(
            SplitIdentity.of(train, self._train_images.image_digests),
            SplitIdentity.of(self._reserved, self._reserved_images.image_digests),
        )
        self.search_identity = None if splits.search is None else self._identity_of(splits.search, train)
        self._class_slots = len(train.category_ids)
        self.categories = list(zip(train.category_ids, train.category_names, strict=True))
        self._evaluator = CocoEvaluator(self._reserved)
        self._engine: Engine | None = None
        self._last: Callable[[], DetectorModel] | None = None

    def _identity_of(self, search: tuple[CocoSplit, CocoSplit], train: CocoSplit) -> DataIdentity:
        """The identity of two splits; reads the images that are not among those of the worker."""
        known = digests_by_path(train, self._train_images.image_digests)
        known |= digests_by_path(self._reserved, self._reserved_images.image_digests)
        return DataIdentity(*(SplitIdentity.of(split, image_digests(split, known)) for split in search))

    def run(
        self,
        candidate: Architecture,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        checkpoint: Path | None = None,
        keep: bool = False,
        seed: int | None = None,
    ) -> Metrics:
        """Trains and scores the candidate; returns its COCO metrics (`ap` is the reward), loss and seconds.

        With `checkpoint`, the trial resumes from that file if it is of this trial, writes it every `checkpoint_steps`
        steps, and removes it at the end; `keep` leaves it there, with the trained state. The metrics equal those of an
        uninterrupted trial, the seconds add up over all processes, and earlier intermediate APs are reported again. An
        exception that `on_progress` raises ends the trial; the file remains. `seed`, if it is given, is that of the
        weights and batches alone; the reserved images stay. The training of the supernet counts as `shared_seconds`,
        not as seconds of the trial that was the first to need it.

        Raises NonFiniteLossError where the loss is not finite.
        """
        report = on_progress or (lambda progress: None)
        seed = self._seed if seed is None else seed
        began = time.perf_counter()
        engine = self._engine_for(candidate)
        supernet = self._supernet_for(candidate, engine, report)
        started = time.perf_counter()
        self._load(engine, candidate, supernet, seed)
        run = TrialRun(engine, self._checkpoint_file(checkpoint, candidate, supernet, seed), report, started)
        run.resume()
        try:
            self._train(run, seed)
        except NonFiniteLossError:
            if not keep:
                run.discard()
            raise
        if keep:
            run.save()
        metrics = self._score(run)
        assert run.scored is not None
        self._last = partial(self._detector, candidate, run.scored, origin="trained", seed=seed, figures=metrics)
        if not keep:
            run.discard()
        seconds = run.seconds
        return {
            **metrics,
            **({} if run.loss is None else {"loss": run.loss}),
            "steps": self._task.steps,
            "shared_seconds": round(started - began, 3),
            "train_seconds": round(seconds - run.evaluate_seconds, 3),
            "evaluate_seconds": round(run.evaluate_seconds, 3),
            "seconds": round(seconds, 3),
        }

    def detector(self) -> DetectorModel:
        """The detector that `run` has trained last: the averaged weights, with the statistics that were scored."""
        assert self._last is not None
        return self._last()

    def slice_detector(self, candidate: Architecture, sha256: str, figures: Metrics | None) -> DetectorModel:
        """The slice of the shared weights, recalibrated where the task says so, with the `figures` of its trial.

        For a task of kind shared. Raises InvalidValueError where its weights are not in the cache directory, since
        nothing is trained, and SharedWeightsChangedError where their digest is not `sha256`.
        """
        assert self._space is not None
        supernet = Supernet(self._task, self._class_slots, self._space, self.identity.train.sha256)
        if not supernet.load(shared_weights_dir(self._cache_dir)):
            raise InvalidValueError("the shared weights of this data, task and version are not there", field="weights")
        if supernet.trained.sha256 != sha256:
            raise SharedWeightsChangedError(supernet.trained.sha256, sha256)
        engine, seed = self._engine_for(candidate), self._task.shared_seed
        engine.load(candidate, seed, supernet.initial_state(candidate))
        with self._calibrated(engine):
            return self._detector(candidate, engine.state(), origin="shared", seed=seed, figures=figures)

    def _detector(self, candidate: Architecture, state: EngineState, **facts: Any) -> DetectorModel:
        """A state as a detector with these `facts` of `detector_of`."""
        network = self._task.architecture(candidate, self._class_slots)
        return detector_of(state, network, self._task, self.categories, **facts)

    def shared_weights(self, on_progress: Callable[[Progress], None] | None = None) -> TrainedWeights:
        """The shared weights, trained now unless they are kept from before. For a task of kind shared."""
        assert self._space is not None
        base = self._space.base
        supernet = self._supernet_for(base, self._engine_for(base), on_progress or (lambda progress: None))
        assert supernet is not None
        return supernet.trained

    def _engine_for(self, candidate: Architecture) -> Engine:
        """The current engine, or a new one for a candidate of another structure."""
        if self._engine is None or not self._engine.supports(candidate):
            self._engine = Engine(self._task, self._class_slots, like=candidate)
        return self._engine

    def _supernet_for(
        self, candidate: Architecture, engine: Engine, report: Callable[[Progress], None]
    ) -> Supernet | None:
        """The trained supernet, None for a task without one. Raises InvalidValueError for another structure."""
        task, space = self._task, self._space
        if task.kind != "shared" or space is None:
            return None
        if candidate.structure != space.base.structure:
            raise InvalidValueError(
                f"{candidate.name} has other repeats or operations than {space.base.name}, whose widths the shared "
                "weights are trained for",
                field="widths",
            )
        if self._supernet is None:
            began, limit = time.perf_counter(), RateLimit()
            supernet = Supernet(task, self._class_slots, space, self.identity.train.sha256)

            def on_step(step: int, loss: float | None) -> None:
                if limit.allows(always=step == task.shared_steps):
                    report(Progress(step, task.shared_steps, loss, time.perf_counter() - began, of_supernet=True))

            supernet.load_or_train(
                engine,
                lambda: TrainingBatches(self._train_images, task, task.shared_seed),
                shared_weights_dir(self._cache_dir),
                on_step,
            )
            self._supernet = supernet
        return self._supernet

    def _load(self, engine: Engine, candidate: Architecture, supernet: Supernet | None, seed: int) -> None:
        """Loads a candidate: with fresh weights, or as a slice of the supernet."""
        start = None
        if supernet is not None:
            start = supernet.initial_state(candidate, seed if self._task.steps else None)
        engine.load(candidate, seed, start)

    @cached_property
    def _recalibration_images(self) -> PaddedImages:
        """The training images for recalibration, none if the task has none."""
        return recalibration_images(self._train_images, self._task)

    def _checkpoint_file(
        self, path: Path | None, candidate: Architecture, supernet: Supernet | None, seed: int
    ) -> CheckpointFile | None:
        if path is None:
            return None
        digest = supernet.trained.sha256 if supernet else None
        return CheckpointFile(path, trial_identity(candidate, self._task, seed, self.identity.sha256, start=digest))

    def _train(self, run: TrialRun, seed: int) -> None:
        """The remaining steps. Raises NonFiniteLossError."""
        task, limit = self._task, RateLimit()
        # The receiver of earlier reports may have been interrupted together with the earlier process.
        for score in run.scores:
            run.report(Progress(score.step, task.steps, score.loss, score.seconds, score.ap))
        # Closed at once if a report raises, so that no thread prepares batches of this trial during the next one.
        with closing(self._batches_of(seed).stream(run.step, task.steps)) as batches:
            for step, batch in enumerate(batches, start=run.step):
                rate = task.learning_rate_at(step)
                loss = run.engine.train_step(batch, rate, (seed, step)).total
                if not math.isfinite(loss):
                    raise NonFiniteLossError(step, rate, run.loss)
                run.step, run.loss = step + 1, loss
                is_last = run.step == task.steps
                ap = self._score(run)["ap"] if is_due(run.step, task.evaluate_steps) and not is_last else None
                if limit.allows(always=is_last or ap is not None):
                    run.report(Progress(run.step, task.steps, loss, run.seconds, ap))
                if ap is not None:
                    run.scores.append(IntermediateScore(run.step, loss, run.seconds, ap))
                if is_due(run.step, task.checkpoint_steps):
                    run.save()

    def _batches_of(self, seed: int) -> TrainingBatches:
        """The batches of a seed; those of one seed at a time are kept, since their anchor matches are large."""
        if seed not in self._batches:
            self._batches = {seed: TrainingBatches(self._train_images, self._task, seed)}
        return self._batches[seed]

    def _score(self, run: TrialRun) -> Metrics:
        """The COCO metrics of the averaged weights on the reserved images."""
        began = time.perf_counter()
        with self._calibrated(run.engine):
            detections = self._detect(run.engine)
            run.scored = run.engine.state()
        metrics = self._evaluator.metrics(detections)
        run.evaluate_seconds += time.perf_counter() - began
        return metrics

    def _calibrated(self, engine: Engine) -> AbstractContextManager[None]:
        """In the block, the statistics are those that are scored."""
        return scored_statistics(engine, self._recalibration_images)

    def _detect(self, engine: Engine) -> Detections:
        """Detections on the reserved images, in pixels of the original images."""
        return detections_on(self._reserved_images, engine)
