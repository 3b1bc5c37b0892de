"""The trials that a dispatcher hands out and the outcomes that it records. Without workers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

from nas_controller.execution import worker_log, worker_watchdog
from nas_controller.execution.dispatcher import Dispatcher
from nas_controller.execution.executor import Workers
from nas_controller.execution.trial_worker import Report, WorkerId
from nas_controller.execution.worker import Job, TrialProgress
from nas_controller.execution.worker_pool import WorkerPool
from nas_controller.execution.worker_watchdog import SILENT_SECONDS, START_SECONDS, WorkerHangsError
from nas_controller.search.outcomes import Failed, LogTail, Rewarded, TrialWork
from search_space.proxy_task import resolve
from search_space.space import SearchSpace

WIDTHS = (8, 16)
WORKER = WorkerId("node", 4711)


class OneTrial:
    """A source with one trial, which is stopped early with an AP below 0.1."""

    over = False
    draining = False

    def __init__(self) -> None:
        self.outcomes: list[Rewarded | Failed] = []
        self.recorded: list[tuple[int, float | None]] = []
        self.begins: list[float] = []
        self.finished = True
        self.workers = Workers(parallelism=1, threads=2)
        self.error: Exception | None = None
        self.killed: list[WorkerId] = []

    def next_trial(self) -> TrialWork:
        return TrialWork(3, 1, WIDTHS)

    def begun(self, work: TrialWork, seconds: float) -> None:
        self.begins.append(seconds)

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        self.recorded.append((step, ap))

    def stop_early(
        self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None, log: LogTail
    ) -> bool:
        return ap is not None and ap < 0.1

    def complete(self, work: TrialWork, outcome: Rewarded | Failed) -> None:
        if self.error is not None:
            raise self.error
        self.outcomes.append(outcome)

    def is_finished(self, number: int) -> bool:
        return self.finished

    def end(self, state: Literal["stopped", "failed", "completed"], error: str | None = None) -> None:
        self.over = True


def job_in(directory: Path) -> Job:
    task = resolve("smoke", checkpoint_steps=2)
    checkpoints = directory / "checkpoints"
    return Job(task, SearchSpace().base, directory, directory, seed=1, threads=1, checkpoint_dir=checkpoints)


def dispatcher_of(source: OneTrial, directory: Path, elastic: bool = False) -> Dispatcher:
    pool = WorkerPool(source.workers, lambda: source.workers, lambda: {"CPU": 1.0}, elastic)
    return Dispatcher(source, job_in(directory), lambda: False, directory, pool, source.killed.append)


def report(*progress: TrialProgress, outcome: Rewarded | Failed | None = None) -> Report:
    return Report(WORKER, progress, outcome)


def test_the_first_report_says_when_the_worker_began(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    dispatcher.next_work("a")
    assert source.begins == []
    for seconds in (7.0, 9.0):
        dispatcher.report("a", Report(WORKER, seconds=seconds))
    assert source.begins == [7.0]
    dispatcher.complete("a", Report(WORKER, outcome=Rewarded(0.5, {})))
    dispatcher.next_work("b")
    dispatcher.complete("b", Report(WORKER, outcome=Rewarded(0.5, {}), seconds=0.1))
    assert source.begins == [7.0, 0.1]


def test_an_outcome_has_the_seconds_that_its_worker_took(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    for trial_id, outcome in (("a", Rewarded(0.5, {})), ("b", Failed("retry", "no memory"))):
        dispatcher.next_work(trial_id)
        dispatcher.complete(trial_id, Report(WORKER, outcome=outcome, seconds=12.5))
    dispatcher.next_work("c")
    dispatcher.complete("c", None, "the actor died")
    assert [outcome.seconds for outcome in source.outcomes] == [12.5, 12.5, None]


def test_a_worker_that_dies_before_its_first_report_has_not_begun(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    dispatcher.next_work("a")
    dispatcher.complete("a", None, "the actor died")
    assert source.begins == []


def test_a_reported_outcome_is_recorded_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    monkeypatch.setattr(worker_log, "_joined", lambda streams: "its log")
    for trial_id, outcome in (("a", Rewarded(0.5, {})), ("b", Failed("stop", "no such image", "unreadable-image"))):
        dispatcher.next_work(trial_id)
        worker_log.begin(tmp_path, 3, 1)
        dispatcher.complete(trial_id, report(outcome=outcome))
    assert source.outcomes == [
        Rewarded(0.5, {}), Failed("stop", "no such image", "unreadable-image", "its log"),
    ]  # fmt: skip
    assert [outcome.log_tail for outcome in source.outcomes] == ["its log"] * 2
    assert not list((tmp_path / "attempts").iterdir())


def test_progress_is_recorded_until_the_source_stops_the_trial(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    dispatcher.next_work("a")
    worker_log.begin(tmp_path, 3, 1)
    assert dispatcher.report("a", report(TrialProgress(4, 10, {"loss": 1.0}, 0.3), TrialProgress(5, 10, {"loss": 0.9})))
    assert dispatcher.report("a", report())
    stopping = report(TrialProgress(8, 10, {"loss": 0.8}, 0.05), TrialProgress(9, 10, {"loss": 0.7}))
    assert not dispatcher.report("a", stopping)
    dispatcher.complete("a", stopping)  # as Tune completes a trial after STOP
    assert source.recorded == [(4, 0.3), (5, None), (8, 0.05)]
    assert source.outcomes == []
    assert not list((tmp_path / "attempts").iterdir())


def test_progress_that_arrives_with_the_outcome_is_recorded_first_and_can_stop_the_trial(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    outcome = Rewarded(0.5, {})
    for ap in (0.2, 0.05):
        dispatcher.next_work("a")
        progress = (TrialProgress(8, 10, {"loss": 0.8}, ap), TrialProgress(10, 10, {"loss": 0.7}))
        dispatcher.complete("a", report(*progress, outcome=outcome))
    assert source.recorded == [(8, 0.2), (10, None), (8, 0.05)]
    assert source.outcomes == [outcome]


def test_the_checkpoint_of_a_finished_trial_is_removed_and_that_of_a_retried_one_kept(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    path = job_in(tmp_path).checkpoint_of(WIDTHS)
    assert path == tmp_path / "checkpoints" / "8-16.checkpoint"
    path.parent.mkdir()
    other, partial = path.with_name("8-24.checkpoint"), path.with_name(f".{path.name}.0f.partial")
    for finished, remaining in ((False, [partial, path, other]), (True, [other])):
        for file in (path, other, partial):
            file.touch()
        source.finished = finished
        dispatcher.next_work("a")
        dispatcher.complete("a", report(outcome=Failed("retry", "some error")))
        assert sorted(path.parent.iterdir()) == sorted(remaining)


def test_a_draining_run_is_over_after_the_last_trial_in_training(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    assert dispatcher.next_work("a") is not None
    source.draining = True
    assert not dispatcher.over
    dispatcher.complete("a", report(outcome=Rewarded(0.5, {})))
    assert dispatcher.over
    assert dispatcher.next_work("b") is None
    assert [type(outcome) for outcome in source.outcomes] == [Rewarded]


def test_trials_in_training_finish_before_the_pool_restarts(tmp_path: Path) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    assert dispatcher.next_work("a") is not None
    source.workers = Workers(parallelism=3, threads=1)
    assert dispatcher.next_work("b") is None
    assert not dispatcher.over
    dispatcher.complete("a", report(outcome=Rewarded(0.5, {})))
    assert dispatcher.over
    assert dispatcher.next_work("b") is None


def test_a_cluster_changes_the_number_of_workers_at_once_and_their_kind_after_the_trials_in_training(
    tmp_path: Path,
) -> None:
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path, elastic=True)
    assert dispatcher.next_work("a") is not None
    assert dispatcher.next_work("b") is None
    source.workers = Workers(parallelism=2, threads=2)
    assert dispatcher.next_work("b") is not None
    assert dispatcher.next_work("c") is None
    source.workers = Workers(parallelism=2, threads=2, gpus=0.5)
    for trial_id in ("a", "b"):
        assert not dispatcher.over
        dispatcher.complete(trial_id, report(outcome=Rewarded(0.5, {})))
    assert dispatcher.over


def test_an_error_of_the_source_ends_the_run_and_nothing_more_is_recorded(tmp_path: Path) -> None:
    source = OneTrial()
    source.workers = Workers(parallelism=2, threads=1)
    dispatcher = dispatcher_of(source, tmp_path)
    dispatcher.next_work("a")
    dispatcher.next_work("b")
    source.error = OSError("the database is unavailable")
    dispatcher.complete("a", report(outcome=Rewarded(0.5, {})))
    assert dispatcher.over
    assert dispatcher.error is source.error
    source.error = None
    dispatcher.complete("b", report(TrialProgress(8, 10, {}), outcome=Rewarded(0.5, {})))
    assert source.outcomes == []
    assert source.recorded == []


def test_a_worker_that_is_silent_for_too_long_is_killed_and_its_attempt_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(worker_watchdog, "time", SimpleNamespace(monotonic=lambda: now[0]))
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path, elastic=True)
    dispatcher.next_work("a")
    now[0] += 10 * SILENT_SECONDS
    dispatcher.kill_silent_workers()  # the worker has never reported, so it may still wait for resources
    dispatcher.report("a", report())
    now[0] += SILENT_SECONDS
    dispatcher.kill_silent_workers()
    assert source.killed == []
    now[0] += 1
    dispatcher.kill_silent_workers()
    dispatcher.kill_silent_workers()
    assert source.killed == [WORKER]
    dispatcher.complete("a", None)
    (failed,) = source.outcomes
    assert isinstance(failed, Failed)
    assert (failed.kind, failed.reaction) == ("worker-silent", "retry")
    assert failed.error == "the worker (process 4711) was silent for 121 s and was killed"


def test_a_worker_that_does_not_start_on_this_machine_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(worker_watchdog, "time", SimpleNamespace(monotonic=lambda: now[0]))
    source = OneTrial()
    dispatcher = dispatcher_of(source, tmp_path)
    dispatcher.next_work("a")
    now[0] += START_SECONDS
    dispatcher.kill_silent_workers()
    assert not dispatcher.over
    now[0] += 1
    for _ in range(2):
        dispatcher.kill_silent_workers()
        assert dispatcher.over
        assert isinstance(dispatcher.error, WorkerHangsError)
    dispatcher.complete("a", None)
    assert source.outcomes == []
