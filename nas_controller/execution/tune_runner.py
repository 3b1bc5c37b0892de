"""Ray Tune carries the trials of a campaign to workers and their outcomes back. It is never the memory: the
store is.

What keeps it lean, each measured on two workers with instant trials:

- Every trial takes one processor of a Ray that has as many as trials run at once (a local Ray's
  processors are a number that we choose; the threads of a trial are set in the worker), and no trial is suggested
  beyond these. Otherwise Tune starts a crowd of spare actors.
- Actors are reused, so the trainer in a worker stays warm; a new actor for each trial costs seconds.
- A campaign goes through bounded experiments of TRIALS_AN_EXPERIMENT trials, whose files lie in a temporary
  folder and are removed: Tune keeps and rewrites the state of every trial of an experiment, and we never
  restore from it.
- A dead worker fails its Tune trial (no retries there), and the campaign begins a new attempt that the
  record shows, with the end of what the dead one wrote (`nas_controller.execution.worker_log`). One
  that is silent for too long is ended, and is dead then.

How many workers there are may change at any time. On a cluster that is so from the next trial on. A Ray of this machine
alone is started anew for it, with as many processors, once the trials in training have finished.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from nas_controller.execution.ray_sessions import gpus_a_trial  # before Ray

# Read when Tune is imported, so they come first too.
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "86400"
os.environ["TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S"] = "0"
# The new output prints a banner at any verbosity, with the size and the folder of one experiment as if of all.
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"

import ray
from ray import tune
from ray.exceptions import RayActorError
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from nas_controller.execution import worker_log
from nas_controller.execution.executor import TrialSource
from nas_controller.execution.tune_trainable import ProxyTrainable
from nas_controller.execution.worker import Job, TrialProgress
from nas_controller.execution.worker_resources import Workers
from nas_controller.execution.worker_watchdog import WorkerWatch
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork

TRIALS_AN_EXPERIMENT = 500

logger = logging.getLogger(__name__)

Stop = Callable[[], bool]
T = TypeVar("T")


def run_campaign(
    campaign: TrialSource, job: Job, stop: Stop, folder: Path, workers: Callable[[], Workers], *, elastic: bool = False
) -> None:
    """Runs trials until the campaign is over or drained, `stop()` says so, or `workers()` are others and the trials in
    training have finished; needs a Ray that was started and a folder for Tune's files (`session`).

    A campaign whose trials ask for what this machine does not have fails at once. Where Ray is `elastic`, more or fewer
    workers of the same kind are no reason to end. Raises what the store raises; trials still running then are lost.
    """
    crew = _Crew(workers, elastic)
    if (missing := crew.missing()) is not None:
        campaign.end("failed", missing)
    while not campaign.over and not campaign.draining and not stop() and not crew.changed:
        try:
            _run_experiment(campaign, job, stop, folder, crew)
        finally:
            shutil.rmtree(folder / "tune", ignore_errors=True)


class _Crew:
    """The workers that a campaign has, and whether they are the ones that it should have."""

    def __init__(self, newest: Callable[[], Workers], elastic: bool) -> None:
        self._newest = newest
        self._elastic = elastic
        self.now = newest()

    @property
    def changed(self) -> bool:
        """Whether the campaign should have others, for which Ray must be asked anew."""
        newest = self._newest()
        if self._elastic and replace(newest, parallelism=self.now.parallelism) == self.now:
            self.now = newest
        return newest != self.now

    def missing(self) -> str | None:
        """What a trial asks for that this machine will never have; a cluster may yet grow."""
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        for name, amount in self.resources.items():
            if not self._elastic and amount > there.get(name, 0.0):
                field = f"resources.{name.lower()}s"
                return f"a trial asks for {amount:g} {name} (`{field}`) and this machine has {there.get(name, 0.0):g}"
        return None

    @property
    def resources(self) -> dict[str, float]:
        """What Ray sets aside for a trial. A Ray of this machine alone has a processor for each worker, however many
        threads these have.
        """
        gpus = gpus_a_trial(self.now.parallelism) if self.now.gpus is None else self.now.gpus
        asked = {"CPU": float(self.now.threads if self._elastic else 1), "GPU": gpus, "TPU": float(self.now.tpus)}
        return {name: amount for name, amount in asked.items() if amount > 0}


def _run_experiment(campaign: TrialSource, job: Job, stop: Stop, folder: Path, crew: _Crew) -> None:
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(crew.now.parallelism)  # as many may wait for a cluster to grow
    carrier = _Carrier(campaign, job, stop, folder, crew)
    trainable = tune.with_parameters(ProxyTrainable, job=job, folder=folder, timeout_seconds=crew.now.timeout_seconds)
    tuner = tune.Tuner(
        tune.with_resources(trainable, tune.PlacementGroupFactory([crew.resources])),
        tune_config=tune.TuneConfig(
            search_alg=carrier,
            scheduler=_Scheduler(carrier),
            num_samples=TRIALS_AN_EXPERIMENT,
            reuse_actors=True,
            trial_name_creator=lambda trial: str(trial.trial_id),
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="trials",
            storage_path=str(folder / "tune"),
            verbose=0,
            log_to_file=False,
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False, checkpoint_frequency=0),
            stop=_StopWhen(carrier),
        ),
    )
    tuner.fit()
    if carrier.error is not None:
        raise carrier.error


class _Carrier(Searcher):
    """Tune asks it what to run and tells it what came of it; the campaign answers and listens.

    An error of the campaign (the store is away, the lease is lost) must not vanish in Tune: it is kept, the
    experiment ends, and `_run_experiment` raises it.
    """

    def __init__(self, campaign: TrialSource, job: Job, stop: Stop, folder: Path, crew: _Crew) -> None:
        super().__init__()
        self._campaign = campaign
        self._job = job
        self._stop = stop
        self._folder = folder
        self._crew = crew
        self._running: dict[str, TrialWork] = {}
        self._watch = WorkerWatch()
        self.ray_errors: dict[str, BaseException] = {}
        self.error: BaseException | None = None

    def ends(self) -> bool:
        """Whether Tune should stop everything, and no outcome is wanted any more."""
        return self.error is not None or self._campaign.over or self._stop()

    def has_drained(self) -> bool:
        """Whether nothing new shall begin here and the last of the trials in training has its outcome."""
        return not self._running and self._drains()

    def _drains(self) -> bool:
        return self._campaign.draining or self._crew.changed

    def suggest(self, trial_id: str) -> Any:
        """The next trial's configuration, None to be asked again later, or FINISHED."""
        while not self.ends() and not self.has_drained():
            if not self._drains() and len(self._running) < self._crew.now.parallelism:
                work = self._guarded(self._campaign.next_trial)
                if work is not None:
                    self._running[trial_id] = work
                    return {"work": work}
            # With nothing running Tune would sleep before it asks again; repeats may leave more to do now.
            if self._running:
                return None
        return Searcher.FINISHED

    def goes_on(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Records progress; False where the campaign has stopped the trial early, whose outcome is recorded then."""
        work = self._running.get(trial_id)
        if work is not None:
            self._watch.heard(trial_id, result)
        if work is None or not self._is_stopped_by(work, result):
            return True
        del self._running[trial_id]
        self._watch.forget(trial_id)
        worker_log.end(self._folder, work.number, work.attempt, read=False)
        return False

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Records an outcome; without one, the worker has died, unless everything is being stopped.

        The reports that come with it are recorded first. Where one of them stops the trial, that is the outcome: what
        the campaign decides must not depend on when a report was read.
        """
        ray_error = self.ray_errors.pop(trial_id, None)
        was_silent = self._watch.forget(trial_id)
        work = self._running.pop(trial_id, None)
        if work is None:
            return
        said: Rewarded | Failed | None = was_silent if error or result is None else result.get("outcome")
        if said is None and self.ends():
            return
        stopped = result is not None and not error and self._is_stopped_by(work, result)
        outcome = self._with_its_log(work, said, ray_error)
        if self.error is None and not stopped:
            self._guarded(lambda: self._campaign.complete(work, outcome))
        if self.error is None and self._campaign.is_finished(work.number):
            self._job.remove_checkpoint_of(work.widths)

    def look_after_silent(self) -> None:
        """Ends the workers that have been silent for too long; asked in every turn of Tune's loop."""
        self._watch.end_silent()

    def _is_stopped_by(self, work: TrialWork, result: dict[str, Any]) -> bool:
        """Records what a worker has reported with a result of Tune's, until a report stops the trial."""
        reports: tuple[TrialProgress, ...] = result.get("progress") or ()
        for report in reports:
            if self.ends():
                return False
            self._guarded(partial(self._campaign.progress, work, report.step, report.steps, report.values, report.ap))
            stops = partial(self._campaign.stop_early, work, report.step, report.values, report.ap)
            if self.error is None and self._guarded(stops):
                return True
        return False

    def _with_its_log(
        self, work: TrialWork, said: Rewarded | Failed | None, ray_error: BaseException | None
    ) -> Rewarded | Failed:
        """The outcome of an attempt, a failure with the end of what the worker wrote."""
        log = worker_log.end(self._folder, work.number, work.attempt, read=not isinstance(said, Rewarded))
        if isinstance(said, Rewarded):
            return said
        failed = replace(said or _without_outcome(ray_error, log), log_tail=log.tail)
        logger.warning("trial %d, attempt %d: %s: %s", work.number, work.attempt, failed.kind, failed.error)
        return failed

    def __deepcopy__(self, memo: dict[int, Any]) -> _Carrier:
        """Itself: there is one campaign, whatever Tune copies."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Nothing that a pickle of Tune's could bring back to life."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Tune's files are no memory of ours."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing, likewise."""

    def restore(self, checkpoint_path: str) -> None:
        """Never called, since nothing is restored from Tune's files."""

    def _guarded(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except Exception as error:
            self.error = error
            return None


def _without_outcome(error: BaseException | None, log: worker_log.AttemptLog) -> Failed:
    """What became of a trial for which the worker has given no outcome: it has died, or Ray has failed it."""
    if error is None or isinstance(error, RayActorError):
        return Failed.of(log.death(str(error)))
    cause = getattr(error, "cause", None) or error  # without Ray's traceback around it, which Tune logs
    return Failed("retry", f"{type(cause).__name__}: {cause}")


class _Scheduler(FIFOScheduler):
    """Trials in their order, as without it; but a scheduler may stop a trial, and Tune tells it why one failed, and no
    searcher.
    """

    def __init__(self, carrier: _Carrier) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._carrier = carrier

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Hands the progress on and stops a trial that shall not go on."""
        return self.CONTINUE if self._carrier.goes_on(trial.trial_id, result) else self.STOP

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Hands the error on, just before the carrier hears that the trial is over."""
        with suppress(Exception):  # an error that cannot be read again; the trial has failed all the same
            self._carrier.ray_errors[trial.trial_id] = pickle.loads(Path(trial.pickled_error_file).read_bytes())

    def __deepcopy__(self, memo: dict[int, Any]) -> _Scheduler:
        """Itself, like its carrier."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, like its carrier."""
        return {}


class _StopWhen(tune.Stopper):
    """Stops the whole experiment when its carrier ends."""

    def __init__(self, carrier: _Carrier) -> None:
        self._carrier = carrier

    def __deepcopy__(self, memo: dict[int, Any]) -> _StopWhen:
        """Itself, like its carrier."""
        return self

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """A single trial ends by itself."""
        return False

    def stop_all(self) -> bool:
        """Asked by Tune in every turn of its loop."""
        self._carrier.look_after_silent()
        return self._carrier.ends() or self._carrier.has_drained()
