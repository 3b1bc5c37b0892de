"""Connects Ray Tune to a dispatcher: the trials to run, their reports, and when to stop."""

from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

from ray import tune
from ray.exceptions import RayActorError
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher

from nas_controller.execution.dispatcher import Dispatcher
from nas_controller.execution.trial_worker import Report


class _NotCopied:
    """Opts out of Tune's deep copies and pickles: there is one dispatcher, and nothing is restored from Tune."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _NotCopied:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {}


class TuneSearcher(_NotCopied, Searcher):
    """Asks the dispatcher for trials and completes them."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__()
        self.dispatcher = dispatcher
        self.errors: dict[str, BaseException | str] = {}
        """Ray's errors of failed trials, between the scheduler's call and the searcher's."""

    def suggest(self, trial_id: str) -> Any:
        """The next trial's configuration, None while there is none yet, or FINISHED."""
        work = self.dispatcher.next_work(trial_id)
        if work is not None:
            return {"work": work}
        return Searcher.FINISHED if self.dispatcher.over else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Completes a trial; without a result, the worker died or Ray failed the trial."""
        cause = _cause(self.errors.pop(trial_id, None))
        self.dispatcher.complete(trial_id, None if error or result is None else result["report"], cause)

    def save(self, checkpoint_path: str) -> None:
        """Saves nothing."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Saves nothing."""

    def restore(self, checkpoint_path: str) -> None:
        """Never called, since nothing is restored from Tune's files."""


class TuneScheduler(_NotCopied, FIFOScheduler):
    """Runs trials in their order. A scheduler, unlike a searcher, may stop a trial and learns why one failed."""

    def __init__(self, searcher: TuneSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._searcher = searcher

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Passes a report on, and stops a trial that the dispatcher stops early."""
        report: Report = result["report"]
        return self.CONTINUE if self._searcher.dispatcher.report(trial.trial_id, report) else self.STOP

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        """Keeps the error for `on_trial_complete`, which Tune calls next."""
        with suppress(Exception):  # an error that cannot be unpickled; the trial has failed anyway
            self._searcher.errors[trial.trial_id] = _kept_error(trial)


class TuneStopper(_NotCopied, tune.Stopper):
    """Stops the experiment when the dispatcher's run is over."""

    def __init__(self, searcher: TuneSearcher) -> None:
        self._searcher = searcher

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """False: a trial ends with its outcome or through the scheduler."""
        return False

    def stop_all(self) -> bool:
        """Whether the run is over. Tune calls this in every turn of its loop, so the watchdog runs here too."""
        self._searcher.dispatcher.kill_silent_workers()
        return self._searcher.dispatcher.over


def _kept_error(trial: Any) -> BaseException | str:
    """The error of a Tune trial. Tune pickles those of tasks and dead actors, and has a text of all others."""
    if trial.pickled_error_file is None:
        return Path(trial.error_file).read_text()
    error: BaseException = pickle.loads(Path(trial.pickled_error_file).read_bytes())
    return error


def _cause(error: BaseException | str | None) -> BaseException | str:
    """The error of the worker, or Ray's message about its death."""
    if error is None or isinstance(error, str | RayActorError):
        return str(error)
    cause: BaseException = getattr(error, "cause", None) or error  # without Ray's traceback, which Tune logs
    return cause
