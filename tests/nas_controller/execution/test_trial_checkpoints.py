"""Trials resume from their checkpoints, which are removed when they are no longer needed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.execution.session_directory import session_directories
from nas_controller.execution.trial_checkpoints import campaign_directory, file_of
from nas_controller.execution.worker import Job, TrialProgress, run_trial
from nas_controller.search.outcomes import Failed
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision import runner
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.checkpoint_cleanup import remove_finished
from nas_controller.supervision.supervisor import Supervisor
from proxy_trainer.data.digits import make_digits
from search_space.space import SearchSpace
from tests.support.paths import ROOT
from tests.support.process_table import alive, descendant_pids, worker_of
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.waiting import DEADLINE_SECONDS, wait_for

STEPS, CHECKPOINT_STEPS = 40, 4
TASK = {
    "profile": "smoke",
    "steps": STEPS,
    "checkpoint_steps": CHECKPOINT_STEPS,
    "evaluate_steps": 20,
    "ema_decay": 0.9,
}


@pytest.fixture
def checkpoint_of(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a checkpoint of a campaign's baseline, with arbitrary content."""

    def write(campaign_id: str) -> Path:
        path = file_of(campaign_directory(tmp_path, campaign_id), SearchSpace().base.widths)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"some bytes")
        return path

    return write


def inode(path: Path) -> int | None:
    """The inode of a checkpoint; it changes with every checkpoint, since each replaces the file."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def train_uninterrupted(dataset: str, cache: str) -> None:
    """Trains the baseline without an interruption and prints the outcome; run in a new process."""
    task = synthetic_spec(dataset="digits", proxy_task=TASK).proxy_task.resolve()
    base, threads = SearchSpace().base, len(os.sched_getaffinity(0))
    aps: dict[int, float] = {}

    def keep_ap(report: TrialProgress) -> None:
        if report.ap is not None:
            aps[report.step] = report.ap

    outcome = run_trial(Job(task, base, Path(dataset), Path(cache), 1, threads), base.widths, keep_ap)
    print(json.dumps({**asdict(outcome), "aps": aps}))


def uninterrupted_outcome(dataset: Path, cache: Path) -> dict[str, Any]:
    script = f"import sys; from {__name__} import train_uninterrupted; train_uninterrupted(*sys.argv[1:])"
    command = [sys.executable, "-c", script, str(dataset), str(cache)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)
    document: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
    return document


def without_times(metrics: Mapping[str, float] | None) -> dict[str, float]:
    return {name: value for name, value in (metrics or {}).items() if not name.endswith("seconds")}


@pytest.mark.parametrize("kills_worker", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_trial_whose_worker_and_runner_are_killed_has_the_metrics_of_an_uninterrupted_one(
    tmp_path: Path, kills_worker: bool
) -> None:
    """A real training with Ray: SIGKILL to the worker after a checkpoint, then to the runner after another one.

    Workers end with their runner, so a kill of the runner alone is the short form.
    """
    dataset = tmp_path / "datasets" / "digits"
    make_digits(dataset, train=60, val=16)
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec(trials=1, dataset="digits", proxy_task=TASK)).id
    directory = campaign_directory(tmp_path, campaign_id)
    path = file_of(directory, SearchSpace().base.widths)
    supervisor = Supervisor(url, tmp_path)
    with supervising(supervisor):
        wait_for(lambda: inode(path) is not None, "a checkpoint of the first attempt")
        runner_pid = supervisor._runners[campaign_id].pid
        if kills_worker:
            worker_pid = worker_of(runner_pid)
            assert worker_pid is not None
            os.kill(worker_pid, signal.SIGKILL)
            previous = inode(path)
            wait_for(lambda: inode(path) not in (None, previous), "a checkpoint of the second attempt")
        children = descendant_pids(runner_pid)
        os.kill(runner_pid, signal.SIGKILL)
        assert path.exists()
        wait_for(lambda: not alive(children), "the end of the killed runner's Ray")
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
        wait_for(lambda: not supervisor._runners, "the end of the runner")
    assert not directory.exists()
    assert not session_directories(campaign_id)

    detail = store.reads.get_trial(campaign_id, 0)
    killed = [("failed", "worker-killed")] if kills_worker else []
    attempts = [(attempt.state, attempt.error_kind) for attempt in detail.attempts]
    assert attempts == [*killed, ("abandoned", None), ("accepted", None)]
    # Ray delivers log lines with a delay, so those of the second attempt may be lost with the runner. Those of the last
    # one are evidence: it resumes after two intervals only if the second of three attempts resumed as well.
    log = log_path(tmp_path, campaign_id).read_text()
    resumed_after = re.findall(r"resumed after step (\d+)", log.rpartition(f"trial 0, attempt {len(attempts)}: ")[2])
    assert [int(step) >= (len(attempts) - 1) * CHECKPOINT_STEPS for step in resumed_after] == [True]
    steps = [point.step for point in detail.curve]
    assert steps == sorted(set(steps))  # a score that the killed runner had not recorded comes with the next attempt
    aps = {point.step: point.values["ap"] for point in detail.curve if "ap" in point.values}

    uninterrupted = uninterrupted_outcome(dataset, tmp_path / "cache")
    assert detail.trial.reward == uninterrupted["reward"]
    assert without_times(detail.trial.metrics) == without_times(uninterrupted["metrics"])
    assert aps == {int(step): ap for step, ap in uninterrupted["aps"].items()}
    assert list(aps) == [20]
    assert verify(store, campaign_id).trials_finished == 1
    store.close()


def test_checkpoints_of_a_running_campaign_are_kept_and_those_of_a_stopped_one_removed(
    store: Store, clock: Clock, tmp_path: Path, checkpoint_of: Callable[[str], Path]
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    path = checkpoint_of(campaign_id)
    lease = store.runner.claim(campaign_id, "a runner that is killed", 5.0)
    store.service.request_stop(campaign_id)
    remove_finished(store, tmp_path)
    assert path.exists()
    clock.advance(lease.seconds + 1)
    assert runner.run(campaign_id, store, tmp_path, "the next runner") == runner.EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "stopped"
    assert not path.parent.exists()


def test_checkpoints_of_a_failed_campaign_are_removed(
    store: Store, tmp_path: Path, checkpoint_of: Callable[[str], Path]
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    path = checkpoint_of(campaign_id)
    executor = InProcessExecutor(lambda job, widths, on_progress: Failed("stop", "000.jpg is truncated"))
    assert runner.run(campaign_id, store, tmp_path, "runner", machine=runner.Machine(executor=executor)) == (
        runner.EXIT_DONE
    )
    assert store.reads.get_campaign(campaign_id).state == "failed"
    assert not path.parent.exists()


def test_leftover_checkpoints_of_a_finished_campaign_are_removed_and_those_of_an_unknown_one_kept(
    store: Store, tmp_path: Path, checkpoint_of: Callable[[str], Path]
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    finished, unknown = checkpoint_of(campaign_id), checkpoint_of("c_0")
    store.runner.finish_campaign(store.runner.claim(campaign_id, "runner", 5.0), "completed")
    remove_finished(store, tmp_path)
    assert not finished.parent.exists()
    assert unknown.exists()
