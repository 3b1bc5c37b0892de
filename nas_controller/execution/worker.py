"""What happens inside a worker: one architecture is trained and scored, and every ending becomes an
outcome.

The only module that imports `proxy_trainer`, and only when a trial needs it. The trainer is warm: built
once in a process, it stays for every later trial of the same job.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nas_controller.execution import synthetic_reward, trial_checkpoints
from nas_controller.search.outcomes import Failed, Rewarded
from search_space.architecture import Architecture
from search_space.errors import EffspineError, InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.space import Widths

if TYPE_CHECKING:
    from proxy_trainer.training.proxy_worker import ProxyWorker
    from proxy_trainer.training.trial_run import Progress

logger = logging.getLogger(__name__)

SYNTHETIC_STEPS = 20
MAX_UNREAD = 10_000
"""Reports of a trial that wait to be read, one a second; the oldest go first."""


@dataclass(frozen=True)
class TrialProgress:
    """How far a trial has come: `step` of `steps`, and what was measured there.

    `ap` is that of the reserved images at this step, 0 to 1, where the proxy task scores them in between
    (`evaluate_steps`); None in all other reports.
    """

    step: int
    steps: int
    values: Mapping[str, float]
    ap: float | None = None


OnProgress = Callable[[TrialProgress], None]


@dataclass(frozen=True)
class Job:
    """What all trials of a campaign share.

    `base` is the architecture whose widths are replaced, `dataset_dir` None for a synthetic task alone, and
    `threads` how many processors one trial may use. With a `checkpoint_dir` a trial that was cut off goes on from
    its checkpoint there, where the task writes any (`checkpoint_steps`). `start_pool` holds the architectures that the
    common start is trained for, where the task has one (`start_steps`).
    """

    task: ProxyTask
    base: Architecture
    dataset_dir: Path | None
    cache_dir: Path
    seed: int
    threads: int
    checkpoint_dir: Path | None = None
    start_pool: tuple[Widths, ...] = ()

    def checkpoint_of(self, widths: tuple[int, ...]) -> Path | None:
        """The file of a trial's checkpoint, None where none is written."""
        if self.checkpoint_dir is None or self.task.checkpoint_steps == 0 or self.task.kind == "synthetic":
            return None
        return trial_checkpoints.file_of(self.checkpoint_dir, widths)

    def remove_checkpoint_of(self, widths: tuple[int, ...]) -> None:
        """Removes what a trial has left that will not go on."""
        if self.checkpoint_dir is not None:
            trial_checkpoints.remove_file_of(self.checkpoint_dir, widths)


_warm: dict[Job, ProxyWorker] = {}


def run_trial(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded | Failed:
    """Trains and scores one architecture. Never raises but for what `on_progress` raises.

    An error that names its reaction (`proxy_trainer.errors.TrialError`) gives that, and so does an exception that
    `proxy_trainer.training.error_classification` knows; another error with a message for a person
    (a data set that is gone, say) would hit every trial and stops the campaign; anything else is worth a retry.
    """
    try:
        train = _synthetic if job.task.kind == "synthetic" else _trained
        return train(job, widths, on_progress)
    except Cancelled:
        raise
    except EffspineError as error:
        return Failed.of(error)
    except Exception as error:  # whatever a training library can raise
        logger.exception("the training has failed")  # where it was is told by the log alone
        _warm.clear()  # it may hold the memory that was missing, and nobody knows what state it is in
        return _unforeseen(error, job)


def _unforeseen(error: Exception, job: Job) -> Failed:
    from proxy_trainer.training.error_classification import classify_error

    known = classify_error(error, job.task)
    return Failed("retry", f"{type(error).__name__}: {error}") if known is None else Failed.of(known)


def _synthetic(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
    """The synthetic reward; where it takes time, it reports SYNTHETIC_STEPS times as training would, with an AP every
    `evaluate_steps` of these.
    """
    pieces = SYNTHETIC_STEPS if job.task.seconds > 0 else 1
    for step in range(1, pieces + 1):
        reward = synthetic_reward.reward(widths, job.base.widths, job.task.seconds / pieces)
        if pieces > 1:
            so_far = reward * step / pieces
            scored = job.task.evaluate_steps > 0 and step % job.task.evaluate_steps == 0 and step < pieces
            on_progress(TrialProgress(step, pieces, {"loss": 1.0 - so_far}, so_far if scored else None))
    return Rewarded(reward, {"ap": reward, "seconds": job.task.seconds})


def _trained(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
    worker = _warm.get(job)
    if worker is None:
        worker = _build(job)
    candidate = replace(job.base, widths=widths, name="candidate")
    metrics = worker.run(candidate, lambda now: on_progress(_told(now)), checkpoint=job.checkpoint_of(widths))
    measured = {name: float(value) for name, value in metrics.items() if value is not None}
    return Rewarded(measured["ap"], measured)


def _told(now: Progress) -> TrialProgress:
    """A trainer's report as a trial's; the common start belongs to all trials, and is no part of a learning curve."""
    if now.of_supernet or now.loss is None:
        return TrialProgress(now.step, now.steps, {})
    return TrialProgress(now.step, now.steps, {"loss": now.loss, "seconds": now.seconds}, now.ap)


def _build(job: Job) -> ProxyWorker:
    """The warm trainer of a job; TensorFlow starts here, with the threads of the job, once in a process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.training.proxy_worker import ProxyWorker

    if job.dataset_dir is None:
        raise InvalidValueError(f"the profile '{job.task.profile}' needs a data set", field="dataset")
    _warm.clear()  # another job's data would only take memory
    _warm[job] = ProxyWorker(job.task, job.dataset_dir, job.cache_dir, job.seed, job.threads, job.start_pool)
    return _warm[job]


class Cancelled(BaseException):
    """Raised in the training thread, out of its progress call, when nobody wants the result any more."""


@dataclass
class TrialRun:
    """A trial in a thread of its own, so that its worker can report while it trains."""

    job: Job
    widths: tuple[int, ...]
    _unread: deque[TrialProgress] = field(default_factory=lambda: deque(maxlen=MAX_UNREAD))
    _outcome: Rewarded | Failed | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="trial", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> Rewarded | Failed | None:
        """The outcome, or None if there is none after so many seconds."""
        self._thread.join(seconds)
        return self._outcome

    def unread(self) -> tuple[TrialProgress, ...]:
        """The progress since the last call, oldest first: every report with an AP, and the latest."""
        found = []
        while self._unread:
            report = self._unread.popleft()
            if report.ap is not None or not self._unread:
                found.append(report)
        return tuple(found)

    def cancel(self, seconds: float) -> bool:
        """Asks the training to end at its next report; whether it has within so many seconds."""
        self._cancelled.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._outcome = run_trial(self.job, self.widths, self._report)
        except Cancelled:
            return
        except BaseException as error:  # a thread that ends without an outcome would be waited for for ever
            self._outcome = Failed("retry", f"{type(error).__name__}: {error}")

    def _report(self, progress: TrialProgress) -> None:
        if self._cancelled.is_set():
            raise Cancelled
        self._unread.append(progress)
