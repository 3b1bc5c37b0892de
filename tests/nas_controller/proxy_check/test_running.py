"""The trainings of a proxy check, their order and their retries; without Ray, which the command's test has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nas_controller.execution import synthetic_reward
from nas_controller.execution.executor import Workers
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.execution.worker import Job, OnProgress, run_trial
from nas_controller.execution.worker_log import AttemptLog
from nas_controller.proxy_check import running
from nas_controller.proxy_check.results import Result, missing, open_results, read, training_key
from nas_controller.proxy_check.running import MissingTrainings, StudyStoppedError, train_missing
from nas_controller.proxy_check.study import Study, Training
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from search_space.space import Widths
from tests.support.training_results import result, synthetic_study

Outcome = Callable[[Training], Rewarded | Failed]
REWARD = Rewarded(0.5, {"seconds": 1.0})


class Listener:
    """Collects the results and retries, and the number of results in the file at each of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.results: list[tuple[Training, Result]] = []
        self.retries: list[tuple[Training, str]] = []
        self.stored_counts: list[int] = []

    def ended(self, training: Training, result: Result) -> None:
        self.results.append((training, result))
        self.stored_counts.append(len(read(self._path)))

    def retried(self, training: Training, error: str) -> None:
        self.retries.append((training, error))


def train(study: Study, path: Path, parallelism: int, outcome: Outcome = lambda training: REWARD) -> Listener:
    """Runs the missing trainings in this thread, with these outcomes; the latest begun finishes first."""
    listener = Listener(path)
    with open_results(path) as file:
        trials = MissingTrainings(study, file, Workers(parallelism, threads=1), listener)
        in_training: list[TrialWork] = []
        while not trials.over:
            while len(in_training) < parallelism and (work := trials.next_trial()) is not None:
                in_training.append(work)
            work = in_training.pop()
            assert not trials.is_finished(work.number)
            trials.complete(work, outcome(study.trainings()[work.number]))
    return listener


def train_in_threads(
    study: Study, path: Path, parallelism: int, train: Callable[[Job, Widths, OnProgress], Rewarded | Failed]
) -> Listener:
    """Runs the missing trainings in threads, with the outcomes of `train`."""
    listener, executor = Listener(path), InProcessExecutor(train)
    with open_results(path) as file:
        train_missing(study, file, parallelism=parallelism, cache_dir=path.parent, listener=listener, executor=executor)
    return listener


def test_missing_trainings_run_and_each_result_is_on_the_disk_before_the_listener_is_called(tmp_path: Path) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    known = study.trainings()[1]
    with open_results(path) as file:
        file.append(result(study, known, 0.99))
    listener = train_in_threads(study, path, 2, run_trial)
    results = read(path)
    assert listener.retries == []
    assert missing(study, results) == []
    assert {training for training, _ in listener.results} == set(study.trainings()) - {known}
    assert listener.stored_counts == list(range(2, 10))
    assert results[training_key(study, known)].reward == 0.99
    for training, found in listener.results:
        assert found.reward == synthetic_reward.reward(training.widths, study.base.widths)
        assert found.key == training_key(study, training)
        assert found.at_once == 2


def test_every_training_has_its_own_task_and_seed(tmp_path: Path) -> None:
    study, jobs = synthetic_study(architectures=3, seeds=2), list[tuple[Job, Widths]]()

    def note(job: Job, widths: Widths, on_progress: OnProgress) -> Rewarded | Failed:
        jobs.append((job, widths))
        return run_trial(job, widths, on_progress)

    train_in_threads(study, tmp_path / "results.jsonl", 1, note)
    expected = [(training.task, training.seed, training.widths) for training in study.trainings()]
    assert [(job.task, job.seed, widths) for job, widths in jobs] == expected
    assert {job.cache_dir for job, _ in jobs} == {tmp_path}


def test_a_training_whose_workers_always_die_fails_alone_and_is_retried_by_the_next_call(tmp_path: Path) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    deadly = study.trainings()[4]
    death = Failed.of(AttemptLog(17, None, False).death(""))

    listener = train(study, path, 2, lambda training: death if training == deadly else REWARD)
    results = read(path)
    assert missing(study, results) == [deadly]
    assert [training for training, _ in listener.retries] == [deadly] * (running.MAX_ATTEMPTS - 1)
    assert "the worker died" in listener.retries[0][1]
    assert "the worker died" in (results[training_key(study, deadly)].error or "")

    listener = train(study, path, 2)
    assert missing(study, read(path)) == []
    assert [training for training, _ in listener.results] == [deadly]


def test_an_architecture_that_is_given_up_is_not_retried(tmp_path: Path) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    bad = study.architectures[2].widths
    diverged = Failed("give_up", "the loss is not finite")

    listener = train(study, path, 1, lambda training: diverged if training.widths == bad else REWARD)
    assert [training.widths for training in missing(study, read(path))] == [bad] * 3
    assert listener.retries == []
    assert {found.error for _, found in listener.results} == {None, "the loss is not finite"}


def test_a_reward_out_of_range_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    train(synthetic_study(architectures=3, seeds=2), path, 1, lambda training: Rewarded(float("nan"), {}))
    assert {found.reward for found in read(path).values()} == {None}


def test_an_error_that_affects_every_training_stops_the_check(tmp_path: Path) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    first = study.trainings()[0]

    def fail_after_first(job: Job, widths: Widths, on_progress: OnProgress) -> Rewarded | Failed:
        return Rewarded(0.5, {}) if widths == first.widths else Failed("stop", "the data set is missing")

    with pytest.raises(StudyStoppedError, match="the data set is missing"):
        train_in_threads(study, path, 1, fail_after_first)
    assert set(read(path)) == {training_key(study, first)}


def test_one_worker_runs_the_trainings_in_order(tmp_path: Path) -> None:
    study = synthetic_study(architectures=4, seeds=2)
    listener = train(study, tmp_path / "results.jsonl", parallelism=1)
    assert [training for training, _ in listener.results] == list(study.trainings())


def test_workers_take_different_seeds_and_then_help_each_other(tmp_path: Path) -> None:
    """The second worker is always faster: it trains its own seed, then the references, then the first seed."""
    study = synthetic_study(architectures=4, seeds=2)
    listener = train(study, tmp_path / "results.jsonl", parallelism=2)
    seeds = [training.seed for training, _ in listener.results]
    assert seeds == [2] * 4 + [1001] * 4 + [1] * 4


def test_the_processors_are_divided_among_the_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    threads = set()

    def note(job: Job, widths: Widths, on_progress: OnProgress) -> Rewarded:
        threads.add(job.threads)
        return REWARD

    path = tmp_path / "results.jsonl"
    train_in_threads(synthetic_study(architectures=3, seeds=2), path, 3, note)
    assert threads == {2}
    assert {(found.threads, found.at_once) for found in read(path).values()} == {(2, 3)}


DATA = {"sha256": "s", "train": {"boxes": 512, "annotations_sha256": "a"}, "reserved": {"boxes": 92}}
EDITED = {"sha256": "t", "train": {"boxes": 510, "annotations_sha256": "x"}, "reserved": {"boxes": 92}}


def test_a_training_is_told_the_data_of_its_seed_and_keeps_those_that_it_read(tmp_path: Path) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    expected: dict[int, set[str | None]] = {}

    def note(job: Job, widths: Widths, on_progress: OnProgress) -> Rewarded:
        expected.setdefault(job.seed, set()).add(job.data_sha256)
        return Rewarded(0.5, {}, {"sha256": f"of seed {job.seed}"})

    train_in_threads(study, path, 1, note)
    assert expected == {seed: {None, f"of seed {seed}"} for seed in (1, 2, 1001)}
    assert {(found.seed, (found.data or {})["sha256"]) for found in read(path).values()} == {
        (seed, f"of seed {seed}") for seed in (1, 2, 1001)
    }


@pytest.mark.parametrize("changed", [Rewarded(0.5, {}, EDITED), Failed("stop", "refused", "data-changed", data=EDITED)])
def test_data_that_changed_stop_the_check_before_anything_is_measured_on_them(
    tmp_path: Path, changed: Rewarded | Failed
) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    outcomes = iter([Rewarded(0.5, {}, DATA), changed])
    message = (
        r"has changed since the first result of seed 1: other training annotations \(510 training boxes instead of "
        r"512\); restore it, or begin anew with another --out$"
    )
    with pytest.raises(StudyStoppedError, match=message):
        train(study, path, 1, lambda training: next(outcomes))
    assert len(read(path)) == 1
    with pytest.raises(StudyStoppedError, match=message):
        train(study, path, 1, lambda training: Rewarded(0.5, {}, EDITED))
    train(study, path, 1, lambda training: Rewarded(0.5, {}, DATA))
    assert missing(study, read(path)) == []


def test_what_would_have_to_be_waited_for_stops_the_check_and_says_so(tmp_path: Path) -> None:
    away = Failed("wait", "the data set is away: none of its images is in /data", "data-away")
    with pytest.raises(StudyStoppedError, match=r"in /data; run the check again once that is fixed$"):
        train(synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl", 1, lambda training: away)
