"""How a worker runs one trial after another. Without Ray."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nas_controller.execution import trial_worker
from nas_controller.execution.trial_worker import TrialWorker
from nas_controller.execution.worker import ALIVE, Job, OnProgress, TrialProgress
from nas_controller.search.outcomes import TIMED_OUT, Failed, Rewarded, TrialWork
from search_space.proxy_task import resolve
from search_space.space import SearchSpace

BASE = SearchSpace().base
WORK = TrialWork(0, 1, BASE.widths)


def job_in(directory: Path, seconds: float) -> Job:
    task = resolve("synthetic", seconds=seconds)
    return Job(task, BASE, None, directory, seed=1, threads=1, checkpoint_dir=directory)


@pytest.mark.parametrize(("timeout", "is_kept"), [(0.05, True), (None, False)], ids=["too slow", "stopped early"])
def test_only_a_trial_that_is_retried_keeps_its_checkpoint(
    tmp_path: Path, timeout: float | None, is_kept: bool
) -> None:
    checkpoint = tmp_path / f"{'-'.join(map(str, BASE.widths))}.checkpoint"
    checkpoint.touch()
    worker = TrialWorker(job_in(tmp_path, 4), tmp_path, timeout)
    report = worker.step(WORK, 0.2)
    if timeout is None:
        assert report is None
    else:
        assert report is not None
        error = "the attempt took longer than trial_timeout_seconds, 0.05 s"
        assert report.outcome == Failed("retry", error, TIMED_OUT)
    assert worker.release()
    assert checkpoint.exists() == is_kept


def test_a_worker_is_not_released_before_its_training_has_ended(tmp_path: Path) -> None:
    worker = TrialWorker(job_in(tmp_path, 4), tmp_path)
    worker.step(WORK, 0.0)
    assert not worker.release(0.0)
    assert worker.release(5.0)


def test_a_worker_reports_repeatedly_and_accepts_the_next_trial_after_the_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_worker, "REPORT_SECONDS", 0.1)
    worker = TrialWorker(job_in(tmp_path, 0.5), tmp_path)
    for attempt in (1, 2):
        work = TrialWork(0, attempt, BASE.widths)
        reports = [worker.step(work)]
        while (latest := reports[-1]) is not None and latest.outcome is None:
            reports.append(worker.step(work))
        assert len(reports) > 2
        assert isinstance(latest and latest.outcome, Rewarded)
        steps = [progress.step for report in reports if report is not None for progress in report.progress]
        assert steps == sorted(set(steps))
        assert steps[-1] == 20
        assert (tmp_path / "attempts" / f"0.{attempt}.json").exists()


def test_a_worker_reports_soon_so_that_a_trial_of_a_second_is_known_to_run(tmp_path: Path) -> None:
    worker = TrialWorker(job_in(tmp_path, 4), tmp_path)
    report = worker.step(WORK)
    assert worker.release(5.0)
    assert report is not None
    assert report.outcome is None
    assert trial_worker.FIRST_REPORT_SECONDS <= report.seconds < trial_worker.REPORT_SECONDS


def test_a_trial_may_have_its_own_task_and_seed(tmp_path: Path) -> None:
    jobs: list[Job] = []

    def train(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
        jobs.append(job)
        on_progress(TrialProgress(1, 1, {}))
        return Rewarded(0.5, {})

    job, other = job_in(tmp_path, 0), resolve("smoke")
    worker = TrialWorker(job, tmp_path, train=train)
    for work in (WORK, TrialWork(1, 1, BASE.widths, task=other), TrialWork(2, 1, BASE.widths, seed=7)):
        report = worker.step(work)
        assert report is not None
        assert report.outcome == Rewarded(0.5, {})
    assert [(run.task, run.seed) for run in jobs] == [(job.task, 1), (other, 1), (job.task, 7)]
    assert {run.base for run in jobs} == {BASE}


def test_reports_count_what_a_training_says_and_have_the_processor_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signs of life are counted and are no progress."""
    monkeypatch.setattr(trial_worker, "REPORT_SECONDS", 0.05)
    said, go_on = threading.Event(), threading.Event()

    def train(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Rewarded:
        for _ in range(3):
            on_progress(ALIVE)
        said.set()
        assert go_on.wait(120)
        on_progress(TrialProgress(1, 1, {}))
        return Rewarded(0.5, {})

    worker = TrialWorker(job_in(tmp_path, 0), tmp_path, train=train)
    worker.step(WORK, 0.0)
    assert said.wait(120)
    first = worker.step(WORK)
    go_on.set()
    while (last := worker.step(WORK)) is not None and last.outcome is None:
        pass
    assert first is not None
    assert last is not None
    assert (first.reports, first.progress) == (3, ())
    assert last.reports == 4
    assert 0 < first.cpu_seconds <= last.cpu_seconds
