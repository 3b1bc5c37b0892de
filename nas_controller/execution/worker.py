"""Trains and scores one architecture, and converts every result or error into an outcome.

`proxy_trainer` is only imported when a trial needs it. The trainer stays in memory for every later trial of the same
job.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nas_controller.execution import synthetic_reward, trial_checkpoints
from nas_controller.execution.latency import LatencyMeasurement, measure_latency
from nas_controller.search.outcomes import Failed, Outcome, Rewarded, SharedWeights, TrialWork
from search_space.architecture import Architecture
from search_space.errors import EffspineError, InvalidValueError
from search_space.proxy_task import ProxyTask
from search_space.space import SearchSpace
from search_space.weights_files import shared_weights_dir

if TYPE_CHECKING:
    from proxy_trainer.training.proxy_worker import ProxyWorker
    from proxy_trainer.training.trial_run import Progress
    from search_space.detector_model import DetectorModel

logger = logging.getLogger(__name__)

SYNTHETIC_STEPS = 20
ALIVE_SECONDS = 10.0
"""How long a synthetic trial sleeps at most before it reports."""


@dataclass(frozen=True)
class TrialProgress:
    """The progress of a trial: `step` of `steps`, and the measurements at this step.

    `ap` is the AP on the reserved images at this step, 0 to 1, if the proxy task scores them during training
    (`evaluate_steps`); None in all other reports. ALIVE is no progress in steps: it says that the trial goes on, such
    as while images are read.
    """

    step: int
    steps: int
    values: Mapping[str, float]
    ap: float | None = None


ALIVE = TrialProgress(0, 0, {})

OnProgress = Callable[[TrialProgress], None]


def _no_progress(progress: TrialProgress) -> None:
    """Reports nothing."""


@dataclass(frozen=True)
class Job:
    """The inputs that all trials share.

    `base` is the architecture whose widths are replaced; `dataset_dir` is None for a synthetic task only. One trial may
    use `threads` processors. With a `checkpoint_dir`, an interrupted trial resumes from its checkpoint there, if the
    task writes checkpoints (`checkpoint_steps`). The shared weights of a task of kind shared are trained for `space`.
    `shared_weights` are those that its trials are slices of, once they are trained. `data_sha256` is the identity of
    the data that the trial must read, if it is known. The finals of a campaign are scored on images that gave no reward
    of its `search_task`, if there are enough, and a training of theirs has weights and batches of its `final_seed`; the
    search, whose data had the identity `search_data_sha256`, if it is known, must find them unchanged. `latency` says
    how the latency of each rewarded architecture is measured, None that it is not.
    """

    task: ProxyTask
    base: Architecture
    dataset_dir: Path | None
    cache_dir: Path
    seed: int
    threads: int
    checkpoint_dir: Path | None = None
    space: SearchSpace | None = None
    # A trainer serves jobs that differ in fields with compare=False.
    shared_weights: SharedWeights | None = field(default=None, compare=False)
    trains_shared_weights: bool = field(default=False, compare=False)
    search_task: ProxyTask | None = None
    data_sha256: str | None = field(default=None, compare=False)
    search_data_sha256: str | None = field(default=None, compare=False)
    final_seed: int | None = field(default=None, compare=False)
    latency: LatencyMeasurement | None = field(default=None, compare=False)

    def of(self, work: TrialWork) -> Job:
        """The job of one trial, which may have its own task and seed, and data that it must read."""
        return replace(
            self,
            task=self.task if work.task is None else work.task,
            seed=self.seed if work.seed is None else work.seed,
            data_sha256=work.data_sha256,
            final_seed=work.final_seed,
            trains_shared_weights=work.trains_shared_weights,
        )

    def checkpoint_of(self, widths: tuple[int, ...]) -> Path | None:
        """The file of a trial's checkpoint, None if none is written."""
        if self.checkpoint_dir is None or self.task.checkpoint_steps == 0 or self.task.kind == "synthetic":
            return None
        return trial_checkpoints.file_of(self._directory_of_checkpoints(self.checkpoint_dir), widths)

    def remove_checkpoint_of(self, widths: tuple[int, ...]) -> None:
        """Removes the checkpoint of a trial that will not resume."""
        if self.checkpoint_dir is not None:
            trial_checkpoints.remove_file_of(self._directory_of_checkpoints(self.checkpoint_dir), widths)

    def _directory_of_checkpoints(self, directory: Path) -> Path:
        """That of all trials; of finals one for each seed, since an architecture can be in training with several."""
        return directory if self.final_seed is None else directory / f"seed-{self.final_seed}"


_warm: dict[Job, ProxyWorker] = {}

MeasuredOutcome = TypeVar("MeasuredOutcome", Rewarded, Failed)


def run_trial(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
    """Trains and scores one architecture, or trains the shared weights. Raises only what `on_progress` raises.

    An error with its own reaction (`proxy_trainer.errors.TrialError`) becomes a failure with that reaction, as does an
    exception that `proxy_trainer.training.error_classification` knows. Any other EffspineError (the data set is
    missing, for example) would hit every trial and stops the campaign. All other exceptions are retried. The outcome
    has the identity of the data that the trainer has read, if it has.
    """
    try:
        if job.trains_shared_weights:
            return _shared_weights(job, on_progress)
        train = _synthetic if job.task.kind == "synthetic" else _trained
        rewarded = train(job, widths, on_progress)
        if job.latency is None:
            return rewarded
        alive = partial(on_progress, ALIVE)
        return replace(rewarded, latency=measure_latency(job.latency, job.base, widths, job.cache_dir, alive))
    except Cancelled:
        raise
    except EffspineError as error:
        return _with_data(Failed.of(error), job)
    except Exception as error:  # whatever a training library can raise
        logger.exception("the training failed")  # the outcome has no traceback
        failed = _with_data(_unexpected(error, job), job)
        _warm.clear()  # the trainer may hold the missing memory, and its state is unknown
        return failed


def _unexpected(error: Exception, job: Job) -> Failed:
    from proxy_trainer.training.error_classification import classify_error

    classified = classify_error(error, job.task, job.dataset_dir)
    return Failed("retry", f"{type(error).__name__}: {error}") if classified is None else Failed.of(classified)


def _with_data(outcome: MeasuredOutcome, job: Job) -> MeasuredOutcome:
    """The outcome with the identities of the data that the trainer of the job holds, if there is one."""
    trainer = _warm.get(job)
    if trainer is None:
        return outcome
    if trainer.search_identity is None:
        return replace(outcome, data=_data_of_search(trainer))
    identity: dict[str, Any] = trainer.identity.to_dict()
    identity["fresh_images"] = trainer.has_fresh_images
    return replace(outcome, data=identity, search_data=trainer.search_identity.to_dict())


def _data_of_search(trainer: ProxyWorker) -> dict[str, Any]:
    """The identity of the data, and the `classes` of a network for them: the `{id, name}` of each class slot."""
    classes = [{"id": identifier, "name": name} for identifier, name in trainer.categories]
    return {**trainer.identity.to_dict(), "classes": classes}


def _synthetic(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
    """The synthetic reward.

    If the task takes time, it reports progress at SYNTHETIC_STEPS steps as a training would, with an AP every
    `evaluate_steps` steps.
    """
    steps = SYNTHETIC_STEPS if job.task.seconds > 0 else 1
    for step in range(1, steps + 1):
        _sleep(job.task.seconds / steps, on_progress)
        reward = synthetic_reward.reward(widths, job.base.widths)
        if steps > 1:
            partial_reward = reward * step / steps
            is_scored = job.task.evaluate_steps > 0 and step % job.task.evaluate_steps == 0 and step < steps
            ap = partial_reward if is_scored else None
            on_progress(TrialProgress(step, steps, {"loss": 1.0 - partial_reward}, ap))
    return Rewarded(reward, {"ap": reward, "seconds": job.task.seconds})


def _sleep(seconds: float, on_progress: OnProgress) -> None:
    """Sleeps, and reports now and then that the trial is alive."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, ALIVE_SECONDS))
        if left > ALIVE_SECONDS:
            on_progress(ALIVE)


def _shared_weights(job: Job, on_progress: OnProgress) -> SharedWeights:
    trainer = _trainer(job, on_progress)
    found = trainer.shared_weights(lambda progress: on_progress(_shared_progress(progress)))
    return SharedWeights(
        found.identity, found.sha256, found.is_reused, found.path.read_bytes(), _data_of_search(trainer)
    )


def _shared_progress(progress: Progress) -> TrialProgress:
    values = {} if progress.loss is None else {"loss": progress.loss}
    return TrialProgress(progress.step, progress.steps, values)


def _trained(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
    trainer = _trainer(job, on_progress)
    candidate = replace(job.base, widths=widths, name="candidate")

    def report(progress: Progress) -> None:
        on_progress(_trial_progress(progress))

    if job.shared_weights is not None and (found := trainer.shared_weights(report).sha256) != job.shared_weights.sha256:
        from proxy_trainer.errors import SharedWeightsChangedError

        raise SharedWeightsChangedError(found, job.shared_weights.sha256)
    metrics = trainer.run(candidate, report, checkpoint=job.checkpoint_of(widths), seed=job.final_seed)
    measured = {name: float(value) for name, value in metrics.items() if value is not None}
    detector = None if job.final_seed is None else trainer.detector()
    return _with_data(Rewarded(measured["ap"], measured, detector=detector), job)


def detector_of_slice(
    job: Job, widths: tuple[int, ...], figures: Mapping[str, float] | None, on_progress: OnProgress = _no_progress
) -> DetectorModel:
    """The slice of the shared weights of the job, as it is scored, with the `figures` of its trial. Trains nothing.

    Raises DataChangedError where the data are not those of the job, SharedWeightsChangedError where the weights are
    not, InvalidValueError where there are none, and other errors of the data set as the trainer.
    """
    assert job.shared_weights is not None
    candidate = replace(job.base, widths=widths, name="candidate")
    known = None if figures is None else dict[str, float | None](figures)
    return _trainer(job, on_progress).slice_detector(candidate, job.shared_weights.sha256, known)


def _trainer(job: Job, on_progress: OnProgress) -> ProxyWorker:
    """The warm trainer of a job, or a new one. Raises DataChangedError where its data are not those of the job."""
    trainer = _warm.get(job)
    if trainer is None or _other_data(trainer, job) is not None:
        trainer = _build(job, on_progress)
    if (other := _other_data(trainer, job)) is not None:
        from proxy_trainer.errors import DataChangedError

        found, expected = other
        raise DataChangedError(
            f"the data set {job.dataset_dir} is not the one that the earlier rewards were measured on: its content "
            f"differs (identity {found[:12]}, expected {expected[:12]})"
        )
    return trainer


def _other_data(trainer: ProxyWorker, job: Job) -> tuple[str, str] | None:
    """The identity of data that the trainer has and the job must not read, and the expected one; None without any."""
    compared = ((trainer.identity, job.data_sha256), (trainer.search_identity, job.search_data_sha256))
    for found, expected in compared:
        if found is not None and expected not in (None, found.sha256):
            return found.sha256, expected
    return None


def _trial_progress(progress: Progress) -> TrialProgress:
    """The trainer's progress as a trial's; that of the shared weights has no values and is in no learning curve."""
    if progress.of_supernet or progress.loss is None:
        return TrialProgress(progress.step, progress.steps, {})
    return TrialProgress(
        progress.step, progress.steps, {"loss": progress.loss, "seconds": progress.seconds}, progress.ap
    )


def _build(job: Job, on_progress: OnProgress) -> ProxyWorker:
    """Creates the trainer of a job. The first call imports TensorFlow, with the threads of that job."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.training.proxy_worker import ProxyWorker

    if job.dataset_dir is None:
        raise InvalidValueError(f"the profile '{job.task.profile}' needs a data set", field="dataset")
    _warm.clear()  # frees the memory of the previous job
    arguments = (job.task, job.dataset_dir, job.cache_dir, job.seed, job.threads, job.space)
    _warm[job] = ProxyWorker(*arguments, alive=lambda: on_progress(ALIVE), search_task=job.search_task)
    if job.shared_weights is not None:
        job.shared_weights.write_to(shared_weights_dir(job.cache_dir))
    return _warm[job]


class Cancelled(BaseException):
    """Raised by `on_progress` in the training thread when the result is no longer needed."""
