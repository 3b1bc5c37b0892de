"""Campaigns with Ray: a killed supervisor, a killed worker, an early stop, a prompt end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.execution.session_directory import session_directories
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.supervisor import Supervisor
from tests.support.in_process_runner import IN_PROCESS_RUNNER
from tests.support.paths import ROOT
from tests.support.process_table import alive, descendant_pids, workers_of
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import trials_of
from tests.support.waiting import wait_for


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "effspine.db")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url)
    yield store
    store.close()


def test_kill_9_of_the_supervisor_ends_the_runner_with_its_ray_and_loses_nothing(
    url: str, store: Store, tmp_path: Path
) -> None:
    """The next runner trains in its own process, so it can continue only from the database."""
    spec = synthetic_spec(trials=8, parallelism=2, proxy_task={"profile": "synthetic", "seconds": 1.2})
    campaign_id = store.service.create_campaign(spec).id

    def finished() -> int:
        return store.reads.get_campaign(campaign_id).trials_finished

    code = (
        "import sys, threading\nfrom pathlib import Path\n"
        "from nas_controller.supervision.supervisor import Supervisor\n"
        "Supervisor(sys.argv[1], Path(sys.argv[2]), lease_seconds=4).run(threading.Event())"
    )
    first = subprocess.Popen([sys.executable, "-c", code, url, str(tmp_path)], cwd=ROOT)
    try:
        wait_for(lambda: finished() >= 2, "two rewards")
        children = descendant_pids(first.pid)
    finally:
        first.kill()
        first.wait()
    wait_for(lambda: not alive(children), "the runner and its Ray to end by themselves")
    before = finished()
    assert before < 8
    known = store.reads.trial_columns(campaign_id, "number", "reward")

    supervisor = Supervisor(url, tmp_path, lease_seconds=4, runner_command=IN_PROCESS_RUNNER)
    with supervising(supervisor):
        wait_for(lambda: finished() > before, "a reward after the crash")
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
        wait_for(lambda: not supervisor._runners, "the last runner to end")
    trials = trials_of(store, campaign_id)
    assert [trial.state for trial in trials] == ["completed"] * 8
    for number, reward in zip(known["number"], known["reward"], strict=True):
        assert reward is None or trials[number].reward == reward
    attempts = [a.state for t in trials for a in store.reads.get_trial(campaign_id, t.number).attempts]
    assert attempts.count("accepted") == 8
    assert attempts.count("abandoned") >= 1
    assert verify(store, campaign_id).trials_finished == 8
    log = log_path(tmp_path, campaign_id).read_text()
    assert "0 of 8 trials finished; profile synthetic" in log
    assert re.search(r"workers 2, threads per worker \d+", log)


def stopped_early(store: Store, campaign_id: str) -> list[int]:
    return [trial.number for trial in trials_of(store, campaign_id) if trial.stopped_early_step is not None]


def in_training(campaign_id: str) -> int:
    """The highest number of a trial that a worker is training now, -1 if there is none."""
    markers = (marker for each in session_directories(campaign_id) for marker in each.glob("attempts/*.json"))
    return max((int(marker.name.partition(".")[0]) for marker in markers), default=-1)


def failed(store: Store, campaign_id: str) -> list[dict[str, Any]]:
    """The events of failed attempts."""
    return [event.data for event in store.reads.events_after(campaign_id, 0, 1000) if event.kind == "attempt.failed"]


def test_a_worker_takes_the_next_trial_after_an_early_stop_and_a_killed_one_is_replaced(
    url: str, store: Store, tmp_path: Path
) -> None:
    """One worker: trials end early, then it is killed during another one, then the campaign is stopped."""
    spec = synthetic_spec(
        trials=200,
        proxy_task={"profile": "synthetic", "seconds": 4, "evaluate_steps": 5},
        early_stopping={"min_trials": 1},
    )
    campaign_id = store.service.create_campaign(spec).id
    supervisor = Supervisor(url, tmp_path, lease_seconds=8)

    with supervising(supervisor):
        # The baseline is better than most trials.
        early = wait_for(lambda: stopped_early(store, campaign_id), "an early stop")[0]
        wait_for(lambda: in_training(campaign_id) > early, "a later trial in training")
        runner = supervisor._runners[campaign_id].pid
        children = descendant_pids(runner)
        (pid,) = workers_of(runner)  # exactly one
        os.kill(pid, signal.SIGKILL)
        number = wait_for(lambda: failed(store, campaign_id), "the failed attempt")[0]["number"]
        wait_for(
            lambda: store.reads.get_trial(campaign_id, number).attempts[-1].state == "accepted",
            "an accepted second attempt",
        )
        store.service.request_stop(campaign_id)
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "stopped", "the stop")
        wait_for(lambda: not supervisor._runners, "the runner to end")
    assert not alive(children)
    assert not session_directories(campaign_id)
    assert trials_of(store, campaign_id, state="running") == []

    assert store.reads.get_trial(campaign_id, 0).curve
    detail = store.reads.get_trial(campaign_id, early)
    assert detail.trial.stopped_early_step in (5, 10, 15)
    assert [attempt.state for attempt in detail.attempts] == ["accepted"]
    first, second = store.reads.get_trial(campaign_id, number).attempts
    assert (first.state, first.error_kind) == ("failed", "worker-killed")
    assert first.error == (
        f"the worker died before the trial finished (process {pid}): it reported no cause, probably SIGKILL"
    )
    line = "nas_controller.execution.trial_worker: trial {}, attempt {}: widths "
    assert line.format(number, 1) in (first.log_tail or "")
    assert line.format(number - 1, 1) not in (first.log_tail or "")  # the previous trial of the same worker
    assert second.error_kind is None
    assert line.format(number, 2) in (second.log_tail or "")
    assert failed(store, campaign_id) == [
        {"number": number, "attempt": 1, "error": first.error, "kind": "worker-killed"}
    ]
    finished = store.reads.get_campaign(campaign_id).trials_finished
    assert verify(store, campaign_id).trials_finished == finished
    workers = set(re.findall(r"ProxyTrainable pid=(\d+)", log_path(tmp_path, campaign_id).read_text()))
    assert len(workers) == 2
    assert str(pid) in workers
