"""The number of workers: changed while a campaign runs (with Ray), and shared by several campaigns."""

from __future__ import annotations

from pathlib import Path

from nas_controller.campaigns.replay import verify
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.supervisor import Supervisor
from tests.support.in_process_runner import IN_PROCESS_RUNNER
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import trials_of
from tests.support.waiting import wait_for

LEASE_SECONDS = 4
"""A runner reads changes several times within its lease."""
MANY_TRIALS = 500
"""For campaigns that must not end before the test has finished, even on a slow machine."""


def synthetic(seconds: float) -> dict[str, object]:
    return {"profile": "synthetic", "seconds": seconds}


def running(store: Store, campaign_id: str) -> int:
    return len(trials_of(store, campaign_id, state="running"))


def end_soon(store: Store, campaign_id: str) -> int:
    """Reduces the remaining trials of a campaign to a few; returns the total."""
    trials = store.reads.get_campaign(campaign_id).trials_begun + 5
    store.service.update_campaign(campaign_id, {"trials": trials})
    return trials


def test_trials_and_workers_are_added_while_the_campaign_runs(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec(trials=4, proxy_task=synthetic(1))).id
    supervisor = Supervisor(url, tmp_path, lease_seconds=8)
    with supervising(supervisor):
        wait_for(lambda: store.reads.get_campaign(campaign_id).trials_finished >= 2, "two rewards")
        store.service.update_campaign(campaign_id, {"trials": MANY_TRIALS, "parallelism": 3})
        wait_for(lambda: running(store, campaign_id) == 3, "three trials at once")
        finished = store.reads.get_campaign(campaign_id).trials_finished
        wait_for(lambda: store.reads.get_campaign(campaign_id).trials_finished >= finished + 3, "rewards")
        trials = end_soon(store, campaign_id)
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
    assert verify(store, campaign_id).trials_finished == trials
    attempts = [store.reads.get_trial(campaign_id, number).attempts for number in range(trials)]
    assert {attempt.state for of_trial in attempts for attempt in of_trial} == {"accepted"}  # the change lost none
    log = log_path(tmp_path, campaign_id).read_text()
    assert "Number of trials" not in log  # Tune's banner, which names a temporary directory
    assert "View detailed results" not in log
    store.close()


def test_two_campaigns_share_the_workers_and_the_remaining_one_gets_all(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(trials=MANY_TRIALS, parallelism=2, proxy_task=synthetic(0.5))
    first = store.service.create_campaign(spec).id
    supervisor = Supervisor(
        url, tmp_path, max_parallelism=2, lease_seconds=LEASE_SECONDS, runner_command=IN_PROCESS_RUNNER
    )
    with supervising(supervisor):
        wait_for(lambda: running(store, first) == 2, "all workers")
        second = store.service.create_campaign(spec).id
        wait_for(lambda: running(store, first) == running(store, second) == 1, "one trial of each at once")
        end_soon(store, second)
        wait_for(lambda: store.reads.get_campaign(second).state == "completed", "the end of the second")
        wait_for(lambda: running(store, first) == 2, "all workers again")
        trials = end_soon(store, first)
        wait_for(lambda: store.reads.get_campaign(first).state == "completed", "the end of the first")
    log = log_path(tmp_path, first).read_text()
    logged = [line.partition("workers ")[2].partition(",")[0] for line in log.splitlines() if ": workers " in line]
    assert logged == ["2", "1", "2"]
    assert verify(store, first).trials_finished == trials
    store.close()


def test_a_baseline_that_always_times_out_fails_the_campaign(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(trials=3, proxy_task=synthetic(10), trial_timeout_seconds=1, retries=1)
    campaign_id = store.service.create_campaign(spec).id
    with supervising(Supervisor(url, tmp_path, runner_command=IN_PROCESS_RUNNER)):
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "failed", "the end")
    attempts = store.reads.get_trial(campaign_id, 0).attempts
    assert [(attempt.state, attempt.error_kind) for attempt in attempts] == [("failed", "timed-out")] * 2
    assert store.reads.get_campaign(campaign_id).error == (
        "the uniform baseline cannot be trained on this machine: "
        "the attempt took longer than trial_timeout_seconds, 1 s"
    )
    store.close()


def test_a_campaign_fails_if_the_machine_lacks_a_resource(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(trials=3, proxy_task=synthetic(1), resources={"tpus": 4})
    campaign_id = store.service.create_campaign(spec).id
    with supervising(Supervisor(url, tmp_path, runner_command=IN_PROCESS_RUNNER)):
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "failed", "the failure")
    error = "`resources.tpus` asks for 4 TPU and this machine has 0"
    assert store.reads.get_campaign(campaign_id).error == error
    store.close()
