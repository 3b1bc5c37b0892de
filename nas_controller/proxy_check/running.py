"""Trains what a study still misses, on a local Ray: a pool of warm workers.

The only module of the package that knows Ray. A worker keeps its task and seed as long as there is work for them,
since others mean other data and another graph. A training whose worker dies, or that fails in a way worth a retry, is
tried MAX_ATTEMPTS times in all; then its failure is recorded, and the next call tries it again. Each result is on the
disk before the next training of its worker begins, so the process may end at any moment.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from nas_controller.execution import ray_sessions  # before Ray: it sets what Ray reads when it is imported

import ray  # isort: skip
from ray.exceptions import RayError  # isort: skip

from nas_controller.execution.worker import Job, run_trial
from nas_controller.proxy_check.results import Appender, Result, missing
from nas_controller.proxy_check.study import Study, Training
from nas_controller.search.outcomes import WORKER_KILLED, Failed, Rewarded
from search_space.errors import EffspineError

MAX_ATTEMPTS = 3
_LOOK_SECONDS = 1.0


class StudyStoppedError(EffspineError):
    """A training failed for a reason that every other would meet too, such as a data set that cannot be used."""


class Listener(Protocol):
    """Hears what happens."""

    def ended(self, training: Training, result: Result) -> None:
        """A training has its result, which is on the disk."""

    def tried_again(self, training: Training, why: str) -> None:
        """A training failed and is begun again."""


def train_missing(
    study: Study, results: Appender, *, parallelism: int, cache_dir: Path, log: Path, listener: Listener
) -> None:
    """Trains everything that has no reward yet, `parallelism` trainings side by side, and appends what comes of it.

    What the workers write goes to the end of `log`. Raises StudyStoppedError; after that and after an interrupt, what
    has ended is in the results.
    """
    waiting = missing(study, results.record)
    if not waiting:
        return
    workers = min(parallelism, len(waiting))
    threads = max(1, len(os.sched_getaffinity(0)) // parallelism)
    with _sigterm_as_before(), ray_sessions.local_ray(workers, f"check_{os.getpid()}", quiet=True):
        _Pool(study, results, waiting, workers, threads, cache_dir, log, listener).run()


class _Trainer:
    """A worker, in a process of its own."""

    def __init__(self, log: str) -> None:
        # Ray would copy everything that TensorFlow writes to the terminal of the person who waits.
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, 1)
        os.dup2(file, 2)

    def train(self, job: Job, widths: tuple[int, ...]) -> Rewarded | Failed:
        """Trains and scores one architecture."""
        return run_trial(job, widths, lambda progress: None)


@dataclass
class _Worker:
    """A trainer and the job that it has last worked on."""

    actor: Any
    job: Job | None = None


class _Pool:
    def __init__(
        self,
        study: Study,
        results: Appender,
        waiting: list[Training],
        workers: int,
        threads: int,
        cache_dir: Path,
        log: Path,
        listener: Listener,
    ) -> None:
        self._study = study
        self._results = results
        self._waiting = waiting
        self._workers = workers
        self._threads = threads
        self._cache_dir = cache_dir
        self._log = log
        self._listener = listener
        self._attempts: Counter[Training] = Counter()
        gpus = ray_sessions.gpus_a_trial(workers)
        self._actor_class = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Trainer)

    def run(self) -> None:
        """Works until nothing waits and nothing runs."""
        idle = [self._new_worker() for _ in range(self._workers)]
        busy: dict[Any, tuple[_Worker, Training]] = {}
        while self._waiting or busy:
            while idle and self._waiting:
                worker = idle.pop()
                training = self._next_for(worker, {other.job for other, _ in busy.values()})
                worker.job = self._job(training)
                self._attempts[training] += 1
                busy[worker.actor.train.remote(worker.job, training.widths)] = (worker, training)
            # With a limit, so that an interrupt is noticed in Python.
            ended, _ = ray.wait(list(busy), timeout=_LOOK_SECONDS)
            for reference in ended:
                worker, training = busy.pop(reference)
                try:
                    outcome = ray.get(reference)
                except RayError as error:
                    outcome = Failed("retry", f"the worker died: {str(error).splitlines()[0]}", WORKER_KILLED)
                    with suppress(RayError):  # whatever is left of it holds the place of the next one
                        ray.kill(worker.actor)
                    worker = self._new_worker()
                idle.append(worker)
                self._settle(training, outcome)

    def _new_worker(self) -> _Worker:
        return _Worker(self._actor_class.remote(str(self._log)))

    def _next_for(self, worker: _Worker, jobs_of_others: set[Job | None]) -> Training:
        """Takes out more of the worker's own job, else the first of a job that nobody has, else the first of all."""
        jobs = [self._job(training) for training in self._waiting]
        own = [place for place, job in enumerate(jobs) if job == worker.job]
        nobodys = [place for place, job in enumerate(jobs) if job not in jobs_of_others]
        return self._waiting.pop((own or nobodys or [0])[0])

    def _job(self, training: Training) -> Job:
        dataset = None if self._study.dataset is None else Path(self._study.dataset)
        return Job(
            task=training.task,
            base=self._study.base,
            dataset_dir=dataset,
            cache_dir=self._cache_dir,
            seed=training.seed,
            threads=self._threads,
            start_pool=self._study.start_pool,
        )

    def _settle(self, training: Training, outcome: Rewarded | Failed) -> None:
        if isinstance(outcome, Rewarded) and not 0.0 <= outcome.reward <= 1.0:
            outcome = Failed("give_up", f"the reward {outcome.reward} is not in 0 to 1", "invalid-reward")
        if isinstance(outcome, Failed):
            if outcome.reaction == "stop":
                raise StudyStoppedError(outcome.error)
            if outcome.reaction == "retry" and self._attempts[training] < MAX_ATTEMPTS:
                self._waiting.insert(0, training)
                self._listener.tried_again(training, outcome.error)
                return
        result = Result(
            base=self._study.base.name,
            widths=training.widths,
            task=training.task.to_dict(),
            seed=training.seed,
            dataset=self._study.dataset,
            threads=self._threads,
            at_once=self._workers,
            reward=outcome.reward if isinstance(outcome, Rewarded) else None,
            metrics=outcome.metrics if isinstance(outcome, Rewarded) else {},
            error=outcome.error if isinstance(outcome, Failed) else None,
            effspine=version("effspine"),
        )
        self._results.append(result)
        self._listener.ended(training, result)


@contextmanager
def _sigterm_as_before() -> Iterator[None]:
    """Gives the signal back to whoever had it: Ray takes it, and it is ignored while Ray ends."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
