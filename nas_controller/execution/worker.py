"""Trains and scores one architecture, and turns every ending into an outcome.

The only module that imports `proxy_trainer`, and only when a trial needs it. The trainer stays in memory for every
later trial of the same job.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nas_controller.execution import synthetic_reward, trial_checkpoints
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from search_space.architecture import Architecture
from search_space.errors import EffspineError, InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.space import Widths

if TYPE_CHECKING:
    from proxy_trainer.training.proxy_worker import ProxyWorker
    from proxy_trainer.training.trial_run import Progress

logger = logging.getLogger(__name__)

SYNTHETIC_STEPS = 20


@dataclass(frozen=True)
class TrialProgress:
    """How far a trial has come: `step` of `steps`, and what was measured there.

    `ap` is the AP on the reserved images at this step, 0 to 1, where the proxy task scores them during training
    (`evaluate_steps`); None in all other reports.
    """

    step: int
    steps: int
    values: Mapping[str, float]
    ap: float | None = None


OnProgress = Callable[[TrialProgress], None]


@dataclass(frozen=True)
class Job:
    """What all trials share.

    `base` is the architecture whose widths are replaced; `dataset_dir` is None for a synthetic task only. One trial may
    use `threads` processors. With a `checkpoint_dir`, an interrupted trial resumes from its checkpoint there, where the
    task writes any (`checkpoint_steps`). The common start is trained for the architectures of `start_pool`, where the
    task has one (`start_steps`). `data_sha256` is the identity of the data that the trial must read, if it is known.
    """

    task: ProxyTask
    base: Architecture
    dataset_dir: Path | None
    cache_dir: Path
    seed: int
    threads: int
    checkpoint_dir: Path | None = None
    start_pool: tuple[Widths, ...] = ()
    data_sha256: str | None = field(default=None, compare=False)  # a trainer serves jobs that differ in it

    def of(self, work: TrialWork) -> Job:
        """The job of one trial, which may have its own task and seed, and data that it must read."""
        return replace(
            self,
            task=self.task if work.task is None else work.task,
            seed=self.seed if work.seed is None else work.seed,
            data_sha256=work.data_sha256,
        )

    def checkpoint_of(self, widths: tuple[int, ...]) -> Path | None:
        """The file of a trial's checkpoint, None where none is written."""
        if self.checkpoint_dir is None or self.task.checkpoint_steps == 0 or self.task.kind == "synthetic":
            return None
        return trial_checkpoints.file_of(self.checkpoint_dir, widths)

    def remove_checkpoint_of(self, widths: tuple[int, ...]) -> None:
        """Removes the checkpoint of a trial that will not resume."""
        if self.checkpoint_dir is not None:
            trial_checkpoints.remove_file_of(self.checkpoint_dir, widths)


_warm: dict[Job, ProxyWorker] = {}


def run_trial(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded | Failed:
    """Trains and scores one architecture. Raises only what `on_progress` raises.

    An error that names its reaction (`proxy_trainer.errors.TrialError`) becomes a failure with that reaction, and so
    does an exception that `proxy_trainer.training.error_classification` knows. Any other error with a message for
    people (the data set is missing, say) would hit every trial and stops the campaign; anything else is retried.
    """
    try:
        train = _synthetic if job.task.kind == "synthetic" else _trained
        return train(job, widths, on_progress)
    except Cancelled:
        raise
    except EffspineError as error:
        return Failed.of(error)
    except Exception as error:  # whatever a training library can raise
        logger.exception("the training failed")  # the outcome has no traceback
        _warm.clear()  # it may hold the memory that was missing, and its state is unknown
        return _unexpected(error, job)


def _unexpected(error: Exception, job: Job) -> Failed:
    from proxy_trainer.training.error_classification import classify_error

    known = classify_error(error, job.task)
    return Failed("retry", f"{type(error).__name__}: {error}") if known is None else Failed.of(known)


def _synthetic(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
    """The synthetic reward.

    Where it takes time, it reports SYNTHETIC_STEPS times as training would, with an AP every `evaluate_steps` of these.
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
    metrics = worker.run(candidate, lambda now: on_progress(_progress_of(now)), checkpoint=job.checkpoint_of(widths))
    measured = {name: float(value) for name, value in metrics.items() if value is not None}
    return Rewarded(measured["ap"], measured)


def _progress_of(now: Progress) -> TrialProgress:
    """A trainer's report as a trial's; the common start belongs to all trials and to no learning curve."""
    if now.of_supernet or now.loss is None:
        return TrialProgress(now.step, now.steps, {})
    return TrialProgress(now.step, now.steps, {"loss": now.loss, "seconds": now.seconds}, now.ap)


def _build(job: Job) -> ProxyWorker:
    """The trainer of a job; imports TensorFlow, once in a process, with the threads of the job."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.training.proxy_worker import ProxyWorker

    if job.dataset_dir is None:
        raise InvalidValueError(f"the profile '{job.task.profile}' needs a data set", field="dataset")
    _warm.clear()  # the data of the other job would only take memory
    _warm[job] = ProxyWorker(job.task, job.dataset_dir, job.cache_dir, job.seed, job.threads, job.start_pool)
    return _warm[job]


class Cancelled(BaseException):
    """Raised by `on_progress` in the training thread when the result is not needed any more."""
