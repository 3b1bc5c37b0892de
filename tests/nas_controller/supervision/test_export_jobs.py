"""A supervisor has exports made by processes of their own, which may be killed at any moment."""

from __future__ import annotations

import io
import os
import signal
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from exporters import EXPORTERS
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.files import attempt_directory, export_file
from nas_controller.exports.requests import export_request
from nas_controller.store import ConflictError, ExportRecord, Store, StoreUnavailableError, sqlite_url
from nas_controller.supervision import export_job, export_jobs
from nas_controller.supervision import jobs as jobs_module
from nas_controller.supervision import supervisor as supervisor_module
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.export_job import run
from nas_controller.supervision.export_jobs import ExportJobs
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_NOT_OURS
from nas_controller.supervision.supervisor import Supervisor
from search_space.detector_model import load_detector
from tests.support.process_table import alive
from tests.support.recorder import Recorder
from tests.support.supervised import supervising
from tests.support.waiting import wait_for

SLEEPER = (sys.executable, "-c", "import time; print('sleeping', flush=True); time.sleep(60)")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "effspine.db")


@pytest.fixture
def real_store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


@pytest.fixture
def jobs(url: str, real_store: Store, tmp_path: Path) -> Iterator[ExportJobs]:
    """The exports of a supervisor that lives, whose processes sleep."""
    real_store.runner.record_heartbeat("s-1", "here", 1, "0")
    jobs = ExportJobs(url, tmp_path, "s-1", command=SLEEPER)
    yield jobs
    jobs.stop(real_store)


def requested(store: Store, data_dir: Path) -> ExportRecord:
    """A request for the initial weights of the best trial of a synthetic campaign."""
    exported = find_exported(store, Recorder(store).run(2).id, None)
    return store.service.request_export(export_request(store, data_dir, exported, EXPORTERS["detector"], "best"))


def test_a_supervisor_makes_what_an_earlier_one_has_left(url: str, real_store: Store, tmp_path: Path) -> None:
    export_id = requested(real_store, tmp_path).id
    assert real_store.runner.export_queue.claim("s-killed") is not None
    with supervising(Supervisor(url, tmp_path)):
        wait_for(lambda: real_store.reads.get_export(export_id).state not in ("queued", "running"), "the export")
        wait_for(lambda: not log_path(tmp_path, export_id).exists(), "the log to be removed")
    made = real_store.reads.get_export(export_id)
    assert (made.state, made.error, made.attempts, made.failures) == ("completed", None, 2, 0)
    content = export_file(tmp_path, made).read_bytes()
    assert len(content) == made.size_bytes
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        files.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    model = load_detector(folder)
    assert folder.name == f"first-look-trial-{made.trial}-detector-initial" == Path(made.file_name).stem
    assert model.architecture.name == f"first-look-trial-{made.trial}"
    assert (model.origin, model.specification.provenance["trial"]) == ("initial", made.trial)
    assert [each.name for each in (tmp_path / "exports" / export_id).iterdir()] == ["2"]


def test_a_killed_process_is_followed_by_one_other_and_then_the_export_fails_with_its_log(
    url: str, real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    export_id = requested(real_store, tmp_path).id
    supervisor = Supervisor(url, tmp_path, export_command=SLEEPER)
    log, pids = log_path(tmp_path, export_id), list[int]()

    def has_begun() -> bool:
        return log.exists() and log.read_text().count("sleeping") == len(pids) + 1

    with supervising(supervisor):
        for _ in range(2):
            wait_for(has_begun, "the process")
            pids.append(running_pid(tmp_path))
            os.kill(pids[-1], signal.SIGKILL)
        wait_for(lambda: real_store.reads.get_export(export_id).state == "failed", "the failure")
    failed = real_store.reads.get_export(export_id)
    assert (failed.attempts, failed.error) == (2, "its process was ended by signal 9")
    assert failed.log_tail == "sleeping\nsleeping"
    assert len(set(pids)) == 2
    assert not any(attempt_directory(tmp_path, export_id, attempt).exists() for attempt in (1, 2))


def running_pid(data_dir: Path) -> int:
    """The process whose command line has this data directory, apart from this one."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            line = (directory / "cmdline").read_bytes()
        except OSError:
            continue
        if str(data_dir).encode() in line and int(directory.name) != os.getpid():
            return int(directory.name)
    raise AssertionError("there is no such process")


def test_a_supervisor_that_ends_queues_its_export_again(
    real_store: Store, jobs: ExportJobs, url: str, tmp_path: Path
) -> None:
    export_id = requested(real_store, tmp_path).id
    jobs.reconcile(real_store)
    (pid,) = jobs.pids
    assert real_store.reads.get_export(export_id).state == "running"
    assert url.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()  # it may have a password
    jobs.stop(real_store)
    assert not alive([pid])
    released = real_store.reads.get_export(export_id)
    assert (released.state, released.failures) == ("queued", 0)


def test_a_process_that_takes_too_long_is_killed(
    real_store: Store, jobs: ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_jobs, "MAX_SECONDS", 0.0)
    export_id = requested(real_store, tmp_path).id

    def failed() -> bool:
        jobs.reconcile(real_store)
        return real_store.reads.get_export(export_id).state == "failed"

    wait_for(failed, "the failure")
    assert real_store.reads.get_export(export_id).attempts == 2
    assert jobs.pids == []


def test_an_error_with_a_message_is_the_result_and_is_not_retried(real_store: Store, tmp_path: Path) -> None:
    export = requested(real_store, tmp_path)
    real_store.runner.export_queue.claim("s-1")
    (tmp_path / "exports").write_text("a file where the directory should be")
    assert run(real_store, tmp_path, export.id, 1) == EXIT_DONE
    failed = real_store.reads.get_export(export.id)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert "Not a directory" in (failed.error or "")


def test_weights_that_are_gone_fail_the_export_and_do_not_block_the_next(
    real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> bytes:
        raise ConflictError("the shared weights are not there", field="number")

    monkeypatch.setattr(export_job, "_content", gone)
    export_id = requested(real_store, tmp_path).id
    real_store.runner.export_queue.claim("s-1")
    assert run(real_store, tmp_path, export_id, 1) == EXIT_DONE
    failed = real_store.reads.get_export(export_id)
    assert (failed.state, failed.error) == ("failed", "the shared weights are not there")


def test_a_database_that_is_unavailable_is_no_result(
    real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> bytes:
        raise StoreUnavailableError("it does not respond")

    monkeypatch.setattr(export_job, "_content", unavailable)
    export_id = requested(real_store, tmp_path).id
    real_store.runner.export_queue.claim("s-1")
    with pytest.raises(StoreUnavailableError):
        run(real_store, tmp_path, export_id, 1)
    assert real_store.reads.get_export(export_id).state == "running"


def test_an_export_whose_process_cannot_be_started_is_queued_again(
    real_store: Store, jobs: ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "WAIT_SECONDS", 0.0)
    export_id = requested(real_store, tmp_path).id
    blocking = tmp_path / "exports"
    blocking.write_text("a file where the directory should be")
    with pytest.raises(OSError, match="Not a directory"):
        jobs.reconcile(real_store)
    blocking.unlink()
    jobs.reconcile(real_store)
    assert len(jobs.pids) == 1
    found = real_store.reads.get_export(export_id)
    assert (found.state, found.attempts, found.failures) == ("running", 2, 0)


def test_an_export_whose_process_cannot_be_started_lets_others_go_first_and_waits_ever_longer(
    real_store: Store, jobs: ExportJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "WAIT_SECONDS", 10.0)
    monkeypatch.setattr(jobs_module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    blocked = requested(real_store, tmp_path).id
    log_path(tmp_path, blocked).mkdir(parents=True)  # a directory where its log should be
    waits = []
    for _ in range(4):
        with pytest.raises(OSError, match="Is a directory"):
            jobs.reconcile(real_store)
        waits.append(jobs._not_before)
        jobs._not_before = 0.0
    assert waits == [10, 20, 40, 60]
    other = requested(real_store, tmp_path).id
    jobs.reconcile(real_store)
    assert [real_store.reads.get_export(each).state for each in (blocked, other)] == ["queued", "running"]


def test_an_attempt_that_was_given_up_leaves_nothing(real_store: Store, tmp_path: Path) -> None:
    export = requested(real_store, tmp_path)
    for _ in range(2):
        real_store.runner.export_queue.claim("s-1")
        real_store.runner.export_queue.release("s-1")
    assert run(real_store, tmp_path, export.id, 1) == EXIT_NOT_OURS
    assert not attempt_directory(tmp_path, export.id, 1).exists()
    assert real_store.reads.get_export(export.id).state == "queued"
