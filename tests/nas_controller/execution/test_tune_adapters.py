"""Tune's calls reach the dispatcher, and the dispatcher's decisions reach Tune. Without Ray."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ray.exceptions import ActorDiedError, RayTaskError

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution.dispatcher import Dispatcher
from nas_controller.execution.executor import Workers
from nas_controller.execution.trial_worker import Report, WorkerId
from nas_controller.execution.tune_adapters import TuneScheduler, TuneSearcher, TuneStopper
from nas_controller.execution.worker import Job, TrialProgress
from nas_controller.execution.worker_pool import WorkerPool
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from search_space.proxy_task import resolve
from search_space.space import SearchSpace

DEAD = "the worker died before the trial finished: it reported no cause, probably SIGKILL"
WORK = TrialWork(3, 1, (8, 16))


class Source(SimpleNamespace):
    """A source whose trials all have the widths of WORK, and which stops those with an AP below 0.1 early."""

    def __init__(self) -> None:
        super().__init__(over=False, draining=False, outcomes=[])
        self.next_trial = lambda: WORK
        self.progress = self.begun = lambda *_: None
        self.stop_early = lambda work, step, values, ap, log: ap is not None and ap < 0.1
        self.is_finished = lambda number: False
        self.complete = lambda work, outcome: self.outcomes.append(outcome)


def searcher_of(source: Source, directory: Path) -> TuneSearcher:
    job = Job(resolve("smoke"), SearchSpace().base, directory, directory, seed=1, threads=1)
    pool = WorkerPool(Workers(1, 1), lambda: Workers(1, 1), lambda: {"CPU": 1.0})
    return TuneSearcher(Dispatcher(cast(Campaign, source), job, lambda: False, directory, pool, lambda worker: None))


def tune_trial(trial_id: str, error_file: Path | None = None) -> Any:
    return SimpleNamespace(trial_id=trial_id, pickled_error_file=str(error_file))


def test_the_cause_of_a_death_that_tune_keeps_as_text_is_told(tmp_path: Path) -> None:
    source = Source()
    searcher = searcher_of(source, tmp_path)
    searcher.suggest("a")
    (tmp_path / "error.txt").write_text("Failure # 1\n2 worker(s) were killed due to the node running low on memory.\n")
    trial = SimpleNamespace(trial_id="a", pickled_error_file=None, error_file=str(tmp_path / "error.txt"))
    TuneScheduler(searcher).on_trial_error(None, trial)
    searcher.on_trial_complete("a", error=True)
    (outcome,) = source.outcomes
    assert outcome.kind == "worker-killed"
    assert "Ray killed it because the machine ran low on memory" in outcome.error


@pytest.mark.parametrize(
    ("ray_error", "expected"),
    [
        (ActorDiedError(), Failed("retry", DEAD, "worker-killed")),
        (ValueError("cannot be unpickled"), Failed("retry", "ValueError: cannot be unpickled", "unexpected")),
        (RayTaskError("step", "...", TypeError("widths")), Failed("retry", "TypeError: widths", "unexpected")),
        (None, Failed("retry", DEAD, "worker-killed")),
    ],
    ids=["died", "raised", "raised in a task", "unknown"],
)
def test_a_trial_that_tune_fails_has_the_error_that_ray_raised(
    tmp_path: Path, ray_error: Exception | None, expected: Failed
) -> None:
    source = Source()
    searcher = searcher_of(source, tmp_path)
    assert searcher.suggest("a") == {"work": WORK}
    error_file = tmp_path / "error.pkl"
    if ray_error is not None:
        error_file.write_bytes(pickle.dumps(ray_error))
    TuneScheduler(searcher).on_trial_error(None, tune_trial("a", error_file))
    searcher.on_trial_complete("a", error=True)
    assert source.outcomes == [expected]


def test_the_scheduler_stops_a_trial_that_the_source_stops_early(tmp_path: Path) -> None:
    source = Source()
    searcher = searcher_of(source, tmp_path)
    scheduler = TuneScheduler(searcher)
    searcher.suggest("a")
    for ap, decision in ((0.3, scheduler.CONTINUE), (0.05, scheduler.STOP)):
        report = Report(WorkerId("node", 1), (TrialProgress(5, 10, {"loss": 1.0}, ap),))
        assert scheduler.on_trial_result(None, tune_trial("a"), {"report": report}) == decision
    searcher.on_trial_complete("a", {"report": report})
    assert source.outcomes == []


def test_tune_waits_while_there_is_no_trial_and_stops_when_the_run_is_over(tmp_path: Path) -> None:
    source = Source()
    searcher = searcher_of(source, tmp_path)
    stopper = TuneStopper(searcher)
    searcher.suggest("a")
    assert searcher.suggest("b") is None
    source.draining = True
    assert not stopper.stop_all()
    searcher.on_trial_complete("a", {"report": Report(WorkerId("node", 1), (), Rewarded(0.5, {}))})
    assert stopper.stop_all()
    assert searcher.suggest("b") == "FINISHED"
    assert source.outcomes == [Rewarded(0.5, {})]


def test_tune_cannot_copy_the_adapters(tmp_path: Path) -> None:
    searcher = searcher_of(Source(), tmp_path)
    for adapter in (searcher, TuneScheduler(searcher), TuneStopper(searcher)):
        assert copy.deepcopy(adapter) is adapter
        assert "dispatcher" not in vars(pickle.loads(pickle.dumps(adapter)))
