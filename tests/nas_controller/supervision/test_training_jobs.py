"""A supervisor has trainings done by Ray workers; each process may be killed at any moment, and they are real here."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nas_controller.execution.network_training import NetworkTraining, Result, WorkerDiedError
from nas_controller.execution.session_directory import session_directories
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.store import Store, TrainingRecord, sqlite_url
from nas_controller.store.training_writes import RETRIES
from nas_controller.supervision import training_job, training_jobs
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_MUST_WAIT, EXIT_NOT_OURS
from nas_controller.supervision.supervisor import Supervisor
from nas_controller.supervision.training_jobs import TrainingJobs
from nas_controller.trainings.files import history_rows, run_directory
from proxy_trainer.data.digits import make_digits
from search_space.catalogue import ARCHITECTURES
from search_space.detector_model import load_detector
from search_space.document import BlockSpecification, block_specification
from tests.support.process_table import alive, worker_of
from tests.support.small_trainings import TINY_FIELDS
from tests.support.supervised import supervising
from tests.support.trainings import train_here, training_request
from tests.support.waiting import wait_for

SLEEPER = (sys.executable, "-c", "import time; print('sleeping', flush=True); time.sleep(60)")
EVALUATED, STEPS = 60, 1920
FIELDS = {**TINY_FIELDS, "epochs": 320, "evaluate_epochs": 10, "recalibration_images": 0}
"""Of 24 images in batches of 4. Only the first evaluation is awaited."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "effspine.db")


@pytest.fixture
def real_store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    store.runner.record_heartbeat("s-1", "here", 1, "0")
    yield store
    store.close()


@pytest.fixture
def jobs(url: str, tmp_path: Path, real_store: Store) -> Iterator[TrainingJobs]:
    started = TrainingJobs(url, tmp_path, "s-1")
    yield started
    started.stop(real_store)


def watch(
    jobs: TrainingJobs, store: Store, training_id: str, until: Callable[[TrainingRecord], bool]
) -> TrainingRecord:
    """Reconciles until the training is as it should be."""

    def found() -> TrainingRecord | None:
        store.runner.record_heartbeat("s-1", "here", 1, "0")
        jobs.reconcile(store)
        training = store.reads.get_training(training_id)
        assert training.state != "failed", (training.error, training.log_tail)
        return training if until(training) else None

    return wait_for(found, "the training")


def test_a_real_training_survives_a_kill_and_saves_when_it_is_stopped(
    real_store: Store, jobs: TrainingJobs, tmp_path: Path
) -> None:
    make_digits(tmp_path / "datasets" / "digits", train=24, val=4, image_px=64)
    specification = block_specification(BlockSpecification(ARCHITECTURES["eff-spinenet-d0"], {"trial": 3}))
    request = training_request(model=None, specification=specification, overrides=FIELDS)
    training_id = real_store.service.create_training(request).id
    watch(jobs, real_store, training_id, lambda now: now.figures is not None)
    worker = worker_of(jobs.pids[0])
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    continued = watch(jobs, real_store, training_id, lambda now: now.attempts == 2)
    assert (continued.error or "").startswith("the worker that trained it died: ")
    assert continued.failures == 1
    assert "trains in process" in (continued.log_tail or "")
    at = continued.progress
    watch(jobs, real_store, training_id, lambda now: now.progress != at)
    real_store.service.stop_training(training_id)
    stopped = watch(jobs, real_store, training_id, lambda now: now.state == "stopped")
    assert stopped.attempts == 2
    assert stopped.device_seconds > continued.device_seconds > 0
    assert session_directories(training_id) == []
    run = run_directory(tmp_path, training_id)
    saved = json.loads((run / "run.json").read_text())
    assert (saved["state"], saved["steps"]) == ("stopped", STEPS)
    assert EVALUATED < saved["steps_done"] < STEPS
    assert [row.step for row in history_rows(tmp_path, training_id)] == list(range(1, saved["steps_done"] + 1))
    model = load_detector(run / "best")
    assert model.specification.figures == stopped.figures
    assert model.specification.provenance.items() >= {"trial": 3, "dataset": "digits"}.items()
    kinds = [event.kind.removeprefix("training.") for event in real_store.reads.training_events_after(training_id)]
    assert [kind for kind in kinds if kind != "evaluated"] == [
        "created", "started", "interrupted", "started", "stopping", "stopped",
    ]  # fmt: skip


def test_a_process_that_is_killed_again_and_again_fails_with_its_log(real_store: Store, jobs: TrainingJobs) -> None:
    jobs.command = SLEEPER
    training_id = real_store.service.create_training(training_request()).id

    def has_failed() -> bool:
        jobs.reconcile(real_store)
        if jobs.pids and log.exists() and log.read_text().count("sleeping") > len(pids):
            pids.extend(jobs.pids)
            os.kill(pids[-1], signal.SIGKILL)
        return real_store.reads.get_training(training_id).state == "failed"

    log, pids = jobs.data_dir / "logs" / f"{training_id}.log", list[int]()
    wait_for(has_failed, "the failure")
    failed = real_store.reads.get_training(training_id)
    assert (failed.attempts, len(set(pids))) == (RETRIES + 1, RETRIES + 1)
    assert failed.error == "its process was ended by signal 9"
    assert failed.log_tail == "\n".join(["sleeping"] * (RETRIES + 1))


def test_a_supervisor_that_ends_queues_its_training_again(real_store: Store, jobs: TrainingJobs, url: str) -> None:
    jobs.command = SLEEPER
    training_id = real_store.service.create_training(training_request()).id
    jobs.reconcile(real_store)
    (pid,) = jobs.pids
    assert real_store.reads.get_training(training_id).state == "running"
    assert url.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()  # it may have a password
    jobs.stop(real_store)
    assert not alive([pid])
    released = real_store.reads.get_training(training_id)
    assert (released.state, released.failures) == ("queued", 0)


def test_a_process_that_does_not_stop_is_killed(
    real_store: Store, jobs: TrainingJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_jobs, "STOP_SECONDS", 0.0)
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    jobs.command = (sys.executable, "-c", deaf)
    training_id = real_store.service.create_training(training_request()).id
    jobs.reconcile(real_store)
    log = jobs.data_dir / "logs" / f"{training_id}.log"
    wait_for(lambda: "deaf" in log.read_text(), "the process")
    real_store.service.stop_training(training_id)
    stopped = watch(jobs, real_store, training_id, lambda now: now.state == "stopped")
    assert (stopped.attempts, stopped.error) == (1, None)


def test_what_cannot_be_trained_is_the_result_and_is_not_retried(real_store: Store, tmp_path: Path) -> None:
    training_id = real_store.service.create_training(training_request()).id
    real_store.runner.training_queue.claim("s-1")
    assert training_job.run(real_store, tmp_path, training_id, 1, lambda: False, train_here) == EXIT_DONE
    failed = real_store.reads.get_training(training_id)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert "there is no data set 'digits'" in (failed.error or "")
    assert training_job.run(real_store, tmp_path, training_id, 1, lambda: False, train_here) == EXIT_NOT_OURS


@pytest.mark.parametrize(
    ("ended", "status", "state"),
    [
        ("busy", EXIT_MUST_WAIT, "running"),
        ("stopped", EXIT_DONE, "queued"),
        (WorkerDiedError("gone"), EXIT_DONE, "queued"),
    ],
)
def test_an_attempt_ends_as_its_worker_says_and_costs_all_of_its_devices(
    real_store: Store, tmp_path: Path, ended: Result | WorkerDiedError, status: int, state: str
) -> None:
    (tmp_path / "datasets" / "digits").mkdir(parents=True)
    resources = {"cpus": 3, "gpus": 2.0, "tpus": 0}
    training_id = real_store.service.create_training(training_request(resources=resources)).id
    real_store.runner.training_queue.claim("s-1")

    def train(work: NetworkTraining, given: ResourcesSpec, begin: Callable[[], None], *_: Any) -> Result:
        assert (work.threads, given.gpus) == (3, 2.0)
        begin()
        time.sleep(0.05)
        if isinstance(ended, WorkerDiedError):
            raise ended
        return ended

    assert training_job.run(real_store, tmp_path, training_id, 1, lambda: False, train, threads=1) == status
    now = real_store.reads.get_training(training_id)
    assert (now.state, now.failures) == (state, int(isinstance(ended, WorkerDiedError)))
    assert (now.device_seconds >= 0.1) == (ended == "stopped")


def test_a_supervisor_runs_what_an_earlier_one_has_left(real_store: Store, url: str, tmp_path: Path) -> None:
    training_id = real_store.service.create_training(training_request()).id
    assert real_store.runner.training_queue.claim("s-killed") is not None
    with supervising(Supervisor(url, tmp_path)):
        wait_for(lambda: real_store.reads.get_training(training_id).state == "failed", "the training")
    failed = real_store.reads.get_training(training_id)
    assert (failed.attempts, failed.failures) == (2, 0)
    assert "there is no data set 'digits'" in (failed.error or "")
