"""Ray Tune carries the trials of a campaign to workers and their outcomes back. It is never the memory: the
store is.

What keeps it lean, each measured on two workers with instant trials:

- Every trial takes one processor of a cluster that has as many as trials run at once (a local Ray's
  processors are a number that we choose; the threads of a trial are set in the worker). Otherwise Tune
  starts a crowd of spare actors.
- Actors are reused, so the trainer in a worker stays warm; a new actor for each trial costs seconds.
- A campaign goes through bounded experiments of TRIALS_AN_EXPERIMENT trials, whose files lie in a temporary
  folder and are removed: Tune keeps and rewrites the state of every trial of an experiment, and we never
  restore from it.
- A dead worker fails its Tune trial (no retries there), and the campaign begins a new attempt that the
  record shows, with the end of what the dead one wrote (`nas_controller.worker_log`).
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

# Read when Ray is imported or started, so they come first.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # at 15, any other work on this machine starves training
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # a local Ray listens on loopback alone
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a trial without a GPU share keeps the variables
os.environ["TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"] = "1"
os.environ["TUNE_GLOBAL_CHECKPOINT_S"] = "86400"
os.environ["TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S"] = "0"
# The new output prints a banner at any verbosity, with the size and the folder of one experiment as if of all.
os.environ["RAY_AIR_NEW_OUTPUT"] = "0"

import ray
from ray import tune
from ray.exceptions import RayActorError
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import ConcurrencyLimiter, Searcher

from nas_controller import worker_log
from nas_controller.campaign import Campaign, Failed, Rewarded, TrialWork
from nas_controller.session_folder import check_room, remove_session_folder, session_folder
from nas_controller.worker import Job, TrialProgress, TrialRun

TRIALS_AN_EXPERIMENT = 500
OBJECT_STORE_BYTES = 100 * 2**20
REPORT_SECONDS = 2.0
REPORT_SHARE = 1 / 50

logger = logging.getLogger(__name__)

Stop = Callable[[], bool]
T = TypeVar("T")


def run_campaign(campaign: Campaign, job: Job, stop: Stop, folder: Path) -> None:
    """Runs trials until the campaign is over, drained or `stop()` says so; needs a Ray that was started and a
    folder for Tune's files (`local_ray`).

    Raises what the store raises; trials still running then are lost.
    """
    while not campaign.over and not campaign.draining and not stop():
        try:
            _run_experiment(campaign, job, stop, folder)
        finally:
            shutil.rmtree(folder / "tune", ignore_errors=True)


@contextmanager
def local_ray(parallelism: int, campaign_id: str, *, quiet: bool = False) -> Iterator[Path]:
    """A Ray of this process alone, on loopback, with room for `parallelism` trials; gone when the block
    ends.

    What its workers write comes out here too, with what Ray says of one that has died; with `quiet` neither does.

    Yields its folder, which is removed at the end. It lies in a short path in the temporary folder, since
    socket names may not be long; what an earlier process of the same campaign left there is removed. Raises
    NoRoomError where the disk is too full: Ray would only fail to start, slowly.
    """
    remove_session_folder(campaign_id)
    folder = session_folder(campaign_id)
    check_room(folder)
    ray.init(
        num_cpus=parallelism,
        num_gpus=None,
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        logging_level=logging.ERROR,
        log_to_driver=not quiet,
        configure_logging=True,
        _temp_dir=str(folder),
    )
    try:
        with _silent_ray() if quiet else nullcontext():
            yield folder
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would leave half of it behind
        ray.shutdown()
        remove_session_folder(campaign_id)


@contextmanager
def _silent_ray() -> Iterator[None]:
    """Keeps Ray from printing paragraphs about a worker that has died; it has no setting for them."""
    from ray._private import worker as ray_worker

    printing = ray_worker.print_to_stdstream
    ray_worker.print_to_stdstream = lambda data, ignore_prefix: None
    try:
        yield
    finally:
        ray_worker.print_to_stdstream = printing


def _run_experiment(campaign: Campaign, job: Job, stop: Stop, folder: Path) -> None:
    carrier = _Carrier(campaign, job, stop, folder)
    parallelism = campaign.spec.parallelism
    trainable = tune.with_parameters(_ProxyTrainable, job=job, folder=folder)
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1, "gpu": gpus_a_trial(parallelism)}),
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(carrier, max_concurrent=parallelism),
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


def gpus_a_trial(parallelism: int) -> float:
    """An equal share of the GPUs there are: whole ones where there are enough, else a part of one."""
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    share = resources.get("GPU", 0.0) / parallelism
    return float(int(share)) if share >= 1 else int(share * 1000) / 1000


class _Carrier(Searcher):
    """Tune asks it what to run and tells it what came of it; the campaign answers and listens.

    An error of the campaign (the store is away, the lease is lost) must not vanish in Tune: it is kept, the
    experiment ends, and `_run_experiment` raises it.
    """

    def __init__(self, campaign: Campaign, job: Job, stop: Stop, folder: Path) -> None:
        super().__init__()
        self._campaign = campaign
        self._job = job
        self._stop = stop
        self._folder = folder
        self._running: dict[str, TrialWork] = {}
        self.ray_errors: dict[str, BaseException] = {}
        self.error: BaseException | None = None

    def ends(self) -> bool:
        """Whether Tune should stop everything, and no outcome is wanted any more."""
        return self.error is not None or self._campaign.over or self._stop()

    def has_drained(self) -> bool:
        """Whether the campaign is to be paused and the last of its trials in training has its outcome."""
        return self._campaign.draining and not self._running

    def suggest(self, trial_id: str) -> Any:
        """The next trial's configuration, None to be asked again later, or FINISHED."""
        while not self.ends() and not self.has_drained():
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
        if work is None or not self._is_stopped_by(work, result):
            return True
        del self._running[trial_id]
        worker_log.end(self._folder, work.number, work.attempt, read=False)
        return False

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Records an outcome; without one, the worker has died, unless everything is being stopped.

        The reports that come with it are recorded first. Where one of them stops the trial, that is the outcome: what
        the campaign decides must not depend on when a report was read.
        """
        ray_error = self.ray_errors.pop(trial_id, None)
        work = self._running.pop(trial_id, None)
        if work is None:
            return
        said: Rewarded | Failed | None = None if error or result is None else result.get("outcome")
        if said is None and self.ends():
            return
        stopped = result is not None and not error and self._is_stopped_by(work, result)
        outcome = self._with_its_log(work, said, ray_error)
        if self.error is None and not stopped:
            self._guarded(lambda: self._campaign.complete(work, outcome))
        if self.error is None and self._campaign.is_finished(work.number):
            self._job.remove_checkpoint_of(work.widths)

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
        return self._carrier.ends() or self._carrier.has_drained()


class _ProxyTrainable(tune.Trainable):
    """A worker: each step waits for the trial's end or the time of the next report, whichever is first."""

    def setup(self, config: dict[str, Any], job: Job | None = None, folder: Path | None = None) -> None:
        """Cheap: the trial begins with its first step."""
        # Both are given by `with_parameters`; Tune's own signature has no place for them.
        assert job is not None
        assert folder is not None
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        for package in ("nas_controller", "proxy_trainer"):
            logging.getLogger(package).setLevel(logging.INFO)
        self._job = job
        self._folder = folder
        self._run: TrialRun | None = None
        self._began = 0.0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes another trial, unless the last one cannot be made to end."""
        if self._run is not None:  # its trial was stopped early
            if not self._run.cancel(seconds=30.0):
                return False
            self._job.remove_checkpoint_of(self._run.widths)
        self._run = None
        return True

    def step(self) -> dict[str, Any]:
        """What was reported since the last step, and the outcome once there is one."""
        if self._run is None:
            work: TrialWork = self.config["work"]
            worker_log.begin(self._folder, work.number, work.attempt)
            logger.info("trial %d, attempt %d: widths %s", work.number, work.attempt, " ".join(map(str, work.widths)))
            self._run = TrialRun(self._job, work.widths)
            self._began = time.monotonic()
        elapsed = time.monotonic() - self._began
        outcome: Rewarded | Failed | None = self._run.wait(max(REPORT_SECONDS, elapsed * REPORT_SHARE))
        progress = self._run.unread()
        if outcome is not None:
            self._run = None
        return {"progress": progress, "outcome": outcome, "done": outcome is not None}

    def cleanup(self) -> None:
        """Lets the training thread go when the actor is stopped."""
        if getattr(self, "_run", None) is not None:
            with suppress(Exception):
                self._run.cancel(seconds=0.5)  # type: ignore[union-attr]
