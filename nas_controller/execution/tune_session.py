"""Runs trials with Ray Tune in a Ray that was started. Tune stores nothing that is needed again.

What keeps Tune cheap, each measured on two workers with instant trials:

- A trial takes one CPU of a local Ray that has as many as workers (a number that we choose; the threads of a trial are
  set in the worker), and no further trial is suggested. Otherwise Tune starts many spare actors.
- Actors are reused, so the trainer in a worker stays in memory; a new actor for each trial costs seconds.
- A run is split into experiments of TRIALS_PER_EXPERIMENT trials, whose files lie in a temporary directory and are
  removed: Tune rewrites the state of all trials of an experiment again and again, and nothing is restored from it.
- A dead worker fails its Tune trial without a retry; the source decides whether another attempt follows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from nas_controller.execution import ray_environment  # isort: skip
from ray import tune

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
    """The session of a Ray that was started with these workers; Tune's files go to `directory`."""

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
        finally:
            shutil.rmtree(files, ignore_errors=True)
