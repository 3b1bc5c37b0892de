"""The supervisor, with runners that fail, stall or train in their own process."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters import EXPORTERS
from nas_controller.campaigns.replay import verify
from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.exports.exported_trial import find_exported
from nas_controller.exports.requests import export_request
from nas_controller.store import Store, StoreFullError, sqlite_url
from nas_controller.supervision import restart_backoff
from nas_controller.supervision import supervisor as supervisor_module
from nas_controller.supervision.campaign_logs import log_path, log_tail
from nas_controller.supervision.restart_backoff import MAX_RESTARTS
from nas_controller.supervision.runner import main
from nas_controller.supervision.runner_protocol import EXIT_NOT_OURS, LEASE_SECONDS
from nas_controller.supervision.supervisor import Supervisor
from tests.support.in_process_runner import IN_PROCESS_RUNNER
from tests.support.process_table import alive
from tests.support.recorder import Recorder
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import trials_of
from tests.support.waiting import wait_for


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "effspine.db")


@pytest.fixture
def real_store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


def runner_of(supervisor: Supervisor, campaign_id: str) -> int:
    return supervisor._runners[campaign_id].pid


def test_a_runner_that_keeps_failing_fails_its_campaign_with_the_end_of_its_log(
    url: str, real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart_backoff, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    campaign_id = real_store.service.create_campaign(synthetic_spec()).id
    checkpoints = campaign_directory(tmp_path, campaign_id)
    checkpoints.mkdir(parents=True)
    command = (sys.executable, "-c", "import sys; print('some error of the runner'); sys.exit(1)")
    with supervising(Supervisor(url, tmp_path, runner_command=command)):
        wait_for(lambda: real_store.reads.get_campaign(campaign_id).state == "failed", "the failure")
    assert not checkpoints.exists()
    error = real_store.reads.get_campaign(campaign_id).error or ""
    assert "some error of the runner" in error
    assert "status 1" in error
    assert log_tail(tmp_path, campaign_id).count("some error") == MAX_RESTARTS + 1


def test_campaigns_wait_for_their_turn_oldest_first(
    url: str, real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    ids = []
    for _ in range(3):
        ids.append(real_store.service.create_campaign(synthetic_spec()).id)
        time.sleep(0.002)
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    supervisor = Supervisor(url, tmp_path, campaigns_at_once=2, runner_command=sleeper)
    with supervising(supervisor):
        wait_for(lambda: len(supervisor._runners) == 2, "two runners")
        time.sleep(0.2)
        assert sorted(supervisor._runners) == ids[:2]
        real_store.service.request_stop(ids[2])
        pids = [runner_of(supervisor, campaign_id) for campaign_id in ids[:2]]
        assert all(
            url.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids
        )  # it may have a password
    assert not alive(pids)


def test_a_runner_that_cannot_be_started_stops_neither_the_heartbeat_nor_the_exports(
    url: str, real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    exported = find_exported(real_store, Recorder(real_store).run(2).id, None)
    request = export_request(real_store, tmp_path, exported, EXPORTERS["detector"], "best")
    export_id = real_store.service.request_export(request).id
    ids = [real_store.service.create_campaign(synthetic_spec()).id for _ in range(2)]
    log_path(tmp_path, ids[0]).mkdir(parents=True)  # a directory where its log should be
    supervisor = Supervisor(url, tmp_path, runner_command=sleeper, export_command=sleeper)
    with supervising(supervisor):
        wait_for(lambda: ids[1] in supervisor._runners, "the other campaign's runner")
        wait_for(lambda: real_store.reads.get_export(export_id).state == "running", "the export")
        time.sleep(0.2)
        assert [each.is_alive for each in real_store.reads.list_supervisors()] == [True]
        assert ids[0] not in supervisor._runners
    assert sum("Is a directory" in record.message for record in caplog.records) == 1


def test_a_heartbeat_that_cannot_be_written_keeps_no_campaign_from_running(
    url: str, real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **named: object) -> None:
        raise StoreFullError("the disk is full")

    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr("nas_controller.supervision.supervisor_heartbeat.SupervisorHeartbeat.record", full)
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    campaign_id = real_store.service.create_campaign(synthetic_spec()).id
    supervisor = Supervisor(url, tmp_path, runner_command=sleeper)
    with supervising(supervisor):
        wait_for(lambda: campaign_id in supervisor._runners, "the campaign's runner")


def test_a_runner_that_lives_without_a_lease_is_killed_and_replaced(
    url: str, real_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(supervisor_module, "STALLED_SECONDS", 0.3)
    monkeypatch.setattr(restart_backoff, "FIRST_BACKOFF_SECONDS", 0.1)
    campaign_id = real_store.service.create_campaign(synthetic_spec()).id
    stalled = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    supervisor = Supervisor(url, tmp_path, runner_command=stalled)
    with supervising(supervisor):
        wait_for(lambda: campaign_id in supervisor._runners, "a runner")
        first = supervisor._runners[campaign_id]
        wait_for(lambda: supervisor._runners.get(campaign_id, first) != first, "another")
        assert not alive([first.pid])
        supervisor._runners[campaign_id].process.kill()


def test_a_runner_ignores_a_leased_or_missing_campaign(
    url: str, real_store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    campaign_id = real_store.service.create_campaign(synthetic_spec()).id
    real_store.runner.claim(campaign_id, "another runner", LEASE_SECONDS)
    arguments = ["--database-url", url, "--data-dir", str(tmp_path)]
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert main([campaign_id, *arguments]) == EXIT_NOT_OURS
        assert main(["c_0", *arguments]) == EXIT_NOT_OURS
        assert main(["c_0", "--database-url", "nonsense", "--data-dir", str(tmp_path)]) == 1
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert "error: the database URL is 'nonsense'" in capsys.readouterr().err


def test_a_missing_data_set_is_waited_for_and_reported_in_one_line(url: str, real_store: Store, tmp_path: Path) -> None:
    spec = synthetic_spec(dataset="digits", proxy_task={"profile": "smoke"})
    campaign_id = real_store.service.create_campaign(spec).id
    with supervising(Supervisor(url, tmp_path)):
        wait_for(lambda: real_store.reads.get_campaign(campaign_id).waiting_for, "the reason to wait")
    record = real_store.reads.get_campaign(campaign_id)
    assert (record.state, record.error) == ("running", None)
    reason = record.waiting_for or ""
    assert reason.startswith("there is no data set 'digits'")
    assert len(reason.splitlines()) == 1


def test_kill_9_of_a_runner_loses_nothing(url: str, real_store: Store, tmp_path: Path) -> None:
    spec = synthetic_spec(trials=8, parallelism=2, proxy_task={"profile": "synthetic", "seconds": 1})
    campaign_id = real_store.service.create_campaign(spec).id

    def finished() -> int:
        return real_store.reads.get_campaign(campaign_id).trials_finished

    def begun() -> int:
        return real_store.reads.get_campaign(campaign_id).trials_begun

    supervisor = Supervisor(url, tmp_path, lease_seconds=4, runner_command=IN_PROCESS_RUNNER)
    with supervising(supervisor):
        wait_for(lambda: 2 <= finished() < begun(), "two rewards and a trial in training")
        known = real_store.reads.trial_columns(campaign_id, "number", "reward")
        first = runner_of(supervisor, campaign_id)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: real_store.reads.get_campaign(campaign_id).state == "completed", "the end")
        wait_for(lambda: not supervisor._runners, "the last runner to end")
    assert not alive([first])
    trials = trials_of(real_store, campaign_id)
    assert [trial.state for trial in trials] == ["completed"] * 8
    for number, reward in zip(known["number"], known["reward"], strict=True):
        assert reward is None or trials[number].reward == reward
    attempts = [a.state for t in trials for a in real_store.reads.get_trial(campaign_id, t.number).attempts]
    assert attempts.count("accepted") == 8
    assert attempts.count("abandoned") >= 1
    assert verify(real_store, campaign_id).trials_finished == 8
    log = log_path(tmp_path, campaign_id).read_text()
    assert "0 of 8 trials finished; profile synthetic" in log
    assert re.search(r"workers 2, threads per worker \d+", log)
