"""Once on a real local Ray, whose worker is killed; what the pool decides, with a stand-in for Ray."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ray.exceptions import RayActorError

from nas_controller.execution import synthetic_reward
from nas_controller.execution.worker import Job
from nas_controller.proxy_check import running
from nas_controller.proxy_check.results import Record, Result, appending, key_of, missing, read
from nas_controller.proxy_check.running import StudyStoppedError, train_missing
from nas_controller.proxy_check.study import Study, Training
from nas_controller.search.outcomes import Failed, Rewarded
from tests.support.process_table import descendants
from tests.support.results_of_trainings import result, synthetic_study

Train = Callable[[Job, tuple[int, ...]], Rewarded | Failed]


class Heard:
    """A listener that keeps what it hears, and how many results the file had by then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.results: list[tuple[Training, Result]] = []
        self.retries: list[tuple[Training, str]] = []
        self.lines: list[int] = []

    def ended(self, training: Training, result: Result) -> None:
        self.results.append((training, result))
        self.lines.append(len(read(self._path)))

    def tried_again(self, training: Training, why: str) -> None:
        self.retries.append((training, why))


def train(study: Study, path: Path, parallelism: int) -> tuple[Record, Heard]:
    heard = Heard(path)
    with appending(path) as results:
        train_missing(
            study, results, parallelism=parallelism, cache_dir=path.parent / "cache", log=path.with_suffix(".log"),
            listener=heard,
        )  # fmt: skip
        return results.record, heard


def training_workers() -> list[int]:
    """The processes below this one that are in a training."""
    return [pid for pid, command in descendants(os.getpid()).items() if command.startswith("ray::_Trainer.train")]


@contextmanager
def killing_one() -> Iterator[list[int]]:
    """Kills the first worker that is found in a training; the list has it then."""
    killed: list[int] = []
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.05) and not killed:
            for pid in training_workers()[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def test_what_is_missing_is_trained_although_a_worker_is_killed_and_ray_says_nothing_of_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study, path = synthetic_study(architectures=3, seeds=2, seconds=0.5), tmp_path / "results.jsonl"
    known = study.trainings()[1]
    with appending(path) as results:
        results.append(result(study, known, 0.99))
    before = signal.getsignal(signal.SIGTERM)

    with killing_one() as killed:
        record, heard = train(study, path, parallelism=2)

    assert len(killed) == 1
    assert capfd.readouterr() == ("", "")
    (retry,) = heard.retries
    assert "the worker died" in retry[1]
    assert missing(study, record) == []
    assert {training for training, _ in heard.results} == set(study.trainings()) - {known}
    assert heard.lines == list(range(2, 10))  # each is on the disk before it is told
    assert record[key_of(study, known)].reward == 0.99
    for training, found in heard.results:
        assert found.reward == synthetic_reward.reward(training.widths, study.base.widths)
        assert found.key == key_of(study, training)
        assert found.at_once == 2
    assert read(path) == record
    assert signal.getsignal(signal.SIGTERM) is before
    assert not training_workers()


@dataclass
class FakeRay:
    """Ray in this process: a training runs when it is waited for, and the latest begun ends first."""

    do: Train
    started: int = 0
    killed: int = 0

    def remote(self, **options: Any) -> Any:
        def start(log: str) -> Any:
            self.started += 1
            return self

        self.actors = type("Actors", (), {"remote": staticmethod(start)})
        return lambda trainer: self.actors

    @property
    def train(self) -> Any:
        return type("Method", (), {"remote": staticmethod(lambda job, widths: (job, widths))})

    def wait(self, references: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return references[-1:], references[:-1]

    def get(self, reference: tuple[Job, tuple[int, ...]]) -> Rewarded | Failed:
        return self.do(*reference)

    def kill(self, actor: Any) -> None:
        self.killed += 1


@pytest.fixture
def fake_ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    @contextmanager
    def no_ray(workers: int, name: str, *, quiet: bool) -> Iterator[None]:
        assert quiet
        yield

    fake = FakeRay(lambda job, widths: Rewarded(0.5, {"seconds": 1.0}))
    monkeypatch.setattr(running, "ray", fake)
    monkeypatch.setattr(running.ray_sessions, "gpus_a_trial", lambda workers: 0.0)
    monkeypatch.setattr(running.ray_sessions, "local_ray", no_ray)
    return fake


def test_a_training_whose_workers_always_die_fails_alone_and_is_tried_by_the_next_call(
    tmp_path: Path, fake_ray: FakeRay
) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    deadly = study.trainings()[4]

    def die(job: Job, widths: tuple[int, ...]) -> Rewarded:
        if (job.task, job.seed, widths) == (deadly.task, deadly.seed, deadly.widths):
            raise RayActorError
        return Rewarded(0.5, {"seconds": 1.0})

    whole, fake_ray.do = fake_ray.do, die
    record, heard = train(study, path, parallelism=2)
    assert missing(study, record) == [deadly]
    assert [training for training, _ in heard.retries] == [deadly] * (running.MAX_ATTEMPTS - 1)
    assert "the worker died" in (record[key_of(study, deadly)].error or "")
    assert fake_ray.started == 2 + running.MAX_ATTEMPTS
    assert fake_ray.killed == running.MAX_ATTEMPTS

    fake_ray.do = whole
    record, heard = train(study, path, parallelism=2)
    assert missing(study, record) == []
    assert [training for training, _ in heard.results] == [deadly]


def test_an_architecture_that_is_given_up_is_not_tried_again(tmp_path: Path, fake_ray: FakeRay) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    bad = study.architectures[2].widths

    def diverge(job: Job, widths: tuple[int, ...]) -> Rewarded | Failed:
        return Failed("give_up", "the loss is not finite") if widths == bad else Rewarded(0.5, {"seconds": 1.0})

    fake_ray.do = diverge
    record, heard = train(study, path, parallelism=1)
    assert [training.widths for training in missing(study, record)] == [bad] * 3
    assert heard.retries == []
    assert {found.error for _, found in heard.results} == {None, "the loss is not finite"}


def test_a_reward_out_of_range_is_none(tmp_path: Path, fake_ray: FakeRay) -> None:
    fake_ray.do = lambda job, widths: Rewarded(float("nan"), {})
    record, _ = train(synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl", parallelism=1)
    assert {found.reward for found in record.values()} == {None}


def test_what_every_training_would_meet_stops_the_check_with_its_reason(tmp_path: Path, fake_ray: FakeRay) -> None:
    study, path = synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl"
    first = study.trainings()[0]

    def gone(job: Job, widths: tuple[int, ...]) -> Rewarded | Failed:
        return Rewarded(0.5, {}) if widths == first.widths else Failed("stop", "the data set is gone")

    fake_ray.do = gone
    with pytest.raises(StudyStoppedError, match="the data set is gone"):
        train(study, path, parallelism=1)
    assert set(read(path)) == {key_of(study, first)}


def test_one_worker_goes_through_the_trainings_in_their_order(tmp_path: Path, fake_ray: FakeRay) -> None:
    study = synthetic_study(architectures=4, seeds=2)
    _, heard = train(study, tmp_path / "results.jsonl", parallelism=1)
    assert [training for training, _ in heard.results] == list(study.trainings())
    assert fake_ray.started == 1


def test_workers_take_different_seeds_and_then_help_each_other(tmp_path: Path, fake_ray: FakeRay) -> None:
    """The second worker is always the faster: it does its own seed, then the references, then helps with the first."""
    study = synthetic_study(architectures=4, seeds=2)
    _, heard = train(study, tmp_path / "results.jsonl", parallelism=2)
    seeds = [training.seed for training, _ in heard.results]
    assert seeds == [2] * 4 + [1001] * 4 + [1] * 4


def test_the_threads_are_shared_out(tmp_path: Path, fake_ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda pid: set(range(8)))
    threads = set()

    def note(job: Job, widths: tuple[int, ...]) -> Rewarded:
        threads.add(job.threads)
        return Rewarded(0.5, {"seconds": 1.0})

    fake_ray.do = note
    record, _ = train(synthetic_study(architectures=3, seeds=2), tmp_path / "results.jsonl", parallelism=3)
    assert threads == {2}
    assert {(found.threads, found.at_once) for found in record.values()} == {(2, 3)}
