"""Runs trials with Ray Tune in a running Ray. Nothing is restored from Tune's files.

Settings that keep Tune's overhead low, each measured on two workers with instant trials:

- A local Ray has one CPU per worker and a trial takes one (the worker sets the threads of a trial), and no trial is
  suggested while all workers are busy. Otherwise Tune starts many unused actors.
- Actors are reused, so the trainer of a worker stays in memory; a new actor per trial costs seconds.
- A run is split into experiments of TRIALS_PER_EXPERIMENT trials, whose files are temporary: Tune rewrites the state of
  all trials of an experiment again and again.
- A dead worker fails its Tune trial without a retry; the source decides whether another attempt follows. Where Ray has
  killed a worker for lack of memory, Tune gives up the experiment: all its attempts end, and another one begins.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from nas_controller.execution import ray_environment  # isort: skip
from ray import tune
from ray.exceptions import OutOfMemoryError

from nas_controller.execution import ray_sessions
from nas_controller.execution.dispatcher import Dispatcher
from nas_controller.execution.executor import Stop, TrialSource, Workers
from nas_controller.execution.remote_kill import kill_worker
from nas_controller.execution.tune_adapters import TuneScheduler, TuneSearcher, TuneStopper
from nas_controller.execution.tune_trainable import ProxyTrainable
from nas_controller.execution.worker import Job
from nas_controller.execution.worker_pool import WorkerPool

__all__ = ["TuneSession", "ray_environment"]

TRIALS_PER_EXPERIMENT = 500


class TuneSession:
    """The session of a running Ray with these workers; Tune's files go to `directory`."""

    def __init__(self, started: Workers, directory: Path, elastic: bool) -> None:
        self._started = started
        self._directory = directory
        self._elastic = elastic

    def run(self, source: TrialSource, job: Job, stop: Stop, workers: Callable[[], Workers]) -> None:
        """Runs trials; see `Session.run`."""
        pool = WorkerPool(self._started, workers, ray_sessions.resources, self._elastic)
        if (missing := pool.missing()) is not None:
            source.end("failed", missing)
        over = False
        while not over:
            dispatcher = Dispatcher(source, job, stop, self._directory, pool, kill_worker)
            if not dispatcher.over:
                self._run_experiment(dispatcher, job, pool)
            if dispatcher.error is not None:
                raise dispatcher.error
            over = dispatcher.over

    def _run_experiment(self, dispatcher: Dispatcher, job: Job, pool: WorkerPool) -> None:
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(pool.workers.parallelism)  # may wait for a cluster to grow
        searcher = TuneSearcher(dispatcher)
        trainable = tune.with_parameters(
            ProxyTrainable, job=job, log_dir=self._directory, timeout_seconds=pool.workers.timeout_seconds
        )
        files = self._directory / "tune"
        tuner = tune.Tuner(
            tune.with_resources(trainable, tune.PlacementGroupFactory([pool.trial_resources()])),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=TuneScheduler(searcher),
                num_samples=TRIALS_PER_EXPERIMENT,
                reuse_actors=True,
                trial_name_creator=lambda trial: str(trial.trial_id),
                trial_dirname_creator=lambda trial: str(trial.trial_id),
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(files),
                verbose=0,
                log_to_file=False,
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
                stop=TuneStopper(searcher),
            ),
        )
        try:
            tuner.fit()
        except RuntimeError as error:
            # Tune knows how actors die, but not that Ray kills them where the machine runs low on memory.
            if not isinstance(error.__cause__, OutOfMemoryError):
                raise
            dispatcher.complete_all(str(error.__cause__))
        finally:
            shutil.rmtree(files, ignore_errors=True)
