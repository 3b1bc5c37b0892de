"""The trials of a campaign go on from their checkpoints, which are gone when nothing needs them any more."""

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
from nas_controller.execution.session_directory import session_directories
from nas_controller.execution.trial_checkpoints import campaign_directory, file_of
from nas_controller.execution.worker import Job, TrialProgress, run_trial
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision import runner
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.checkpoint_cleanup import remove_finished
from nas_controller.supervision.supervisor import Supervisor
from proxy_trainer.data.digits import make_digits
from search_space.space import SearchSpace
from tests.support.paths import ROOT
from tests.support.process_table import alive, descendants, worker_of
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.waiting import wait_for

STEPS, EVERY = 40, 4
TASK = {
    "profile": "smoke",
    "steps": STEPS,
    "checkpoint_steps": EVERY,
    "evaluate_steps": 20,
    "ema_decay": 0.9,
}
DEADLINE_SECONDS = 300


@pytest.fixture
def checkpoint_of(tmp_path: Path) -> Callable[[str], Path]:
    """The file of a campaign's baseline, with some bytes in it."""

    def written(campaign_id: str) -> Path:
        path = file_of(campaign_directory(tmp_path, campaign_id), SearchSpace().base.widths)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"some bytes")
        return path

    return written


def inode(path: Path) -> int | None:
    """Another one after every checkpoint, since each takes the place of the one before."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def train_undisturbed(dataset: str, cache: str) -> None:
    """What a process of its own does: it trains the baseline in one go and prints what came of it."""
    task = synthetic_spec(dataset="digits", proxy_task=TASK).proxy_task.resolve()
    base, threads = SearchSpace().base, len(os.sched_getaffinity(0))
    scored: dict[int, float] = {}

    def keep(report: TrialProgress) -> None:
        if report.ap is not None:
            scored[report.step] = report.ap

    outcome = run_trial(Job(task, base, Path(dataset), Path(cache), 1, threads), base.widths, keep)
    print(json.dumps({**asdict(outcome), "scored": scored}))


def never_cut_off(dataset: Path, cache: Path) -> dict[str, Any]:
    script = f"import sys; from {__name__} import train_undisturbed; train_undisturbed(*sys.argv[1:])"
    command = [sys.executable, "-c", script, str(dataset), str(cache)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=True)
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


def figures(metrics: Mapping[str, float] | None) -> dict[str, float]:
    return {name: value for name, value in (metrics or {}).items() if not name.endswith("seconds")}


def test_a_trial_whose_worker_and_runner_are_killed_gives_the_figures_of_one_that_was_never_cut_off(
    tmp_path: Path,
) -> None:
    """A real training on a real Ray: kill -9 of the worker after a checkpoint, then of the runner after another."""
    dataset = tmp_path / "datasets" / "digits"
    make_digits(dataset, train=60, val=16)
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec(trials=1, dataset="digits", proxy_task=TASK)).id
    directory = campaign_directory(tmp_path, campaign_id)
    path = file_of(directory, SearchSpace().base.widths)
    supervisor = Supervisor(url, tmp_path)
    with supervising(supervisor):
        wait_for(lambda: inode(path) is not None, DEADLINE_SECONDS, "a checkpoint of the first attempt")
        runner_pid = supervisor._runners[campaign_id].pid
        worker_pid = worker_of(runner_pid)
        assert worker_pid is not None
        os.kill(worker_pid, signal.SIGKILL)
        left = inode(path)
        wait_for(lambda: inode(path) not in (None, left), DEADLINE_SECONDS, "a checkpoint of the second attempt")
        below = descendants(runner_pid)
        os.kill(runner_pid, signal.SIGKILL)
        assert path.exists()
        wait_for(lambda: not alive(below), 60, "the end of the killed runner's Ray")
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", DEADLINE_SECONDS, "the end")
        wait_for(lambda: not supervisor._runners, DEADLINE_SECONDS, "the end of the runner")
    assert not directory.exists()
    assert not session_directories(campaign_id)

    detail = store.reads.get_trial(campaign_id, 0)
    assert [(attempt.state, attempt.error_kind) for attempt in detail.attempts] == [
        ("failed", "worker-killed"), ("abandoned", None), ("accepted", None),
    ]  # fmt: skip
    # Ray brings what a worker logs to its runner a moment later: what the second attempt said may have gone with
    # the runner. Its first step shows in the third: two intervals are behind it only if the second went on as well.
    went_on = re.findall(r"resumed after step (\d+)", log_path(tmp_path, campaign_id).read_text())
    assert int(went_on[-1]) >= 2 * EVERY
    first_of_last = min(point.step for point in detail.curve if point.attempt == 3)
    assert first_of_last > int(went_on[-1])
    scored = {point.step: point.values["ap"] for point in detail.curve if "ap" in point.values}

    undisturbed = never_cut_off(dataset, tmp_path / "cache")
    assert detail.trial.reward == undisturbed["reward"]
    assert figures(detail.trial.metrics) == figures(undisturbed["metrics"])
    assert scored == {int(step): ap for step, ap in undisturbed["scored"].items()}
    assert list(scored) == [20]
    assert verify(store, campaign_id).trials_finished == 1
    store.close()


def test_the_folder_stays_with_a_campaign_that_goes_on_and_goes_with_one_that_is_stopped(
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


def test_the_folder_goes_with_a_campaign_that_fails(
    store: Store, tmp_path: Path, checkpoint_of: Callable[[str], Path]
) -> None:
    spec = synthetic_spec(dataset="gone", proxy_task={"profile": "smoke"})
    campaign_id = store.service.create_campaign(spec).id
    path = checkpoint_of(campaign_id)
    assert runner.run(campaign_id, store, tmp_path, "runner") == runner.EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "failed"
    assert not path.parent.exists()


def test_what_a_runner_has_left_that_was_killed_after_the_end_is_removed_and_what_is_unknown_is_not(
    store: Store, tmp_path: Path, checkpoint_of: Callable[[str], Path]
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    over, unknown = checkpoint_of(campaign_id), checkpoint_of("c_0")
    store.runner.finish_campaign(store.runner.claim(campaign_id, "runner", 5.0), "completed")
    remove_finished(store, tmp_path)
    assert not over.parent.exists()
    assert unknown.exists()
