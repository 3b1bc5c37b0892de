"""How many workers train, on a real Ray: changed while a campaign runs, and shared by several."""

from __future__ import annotations

from pathlib import Path

from nas_controller.campaigns.replay import verify
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision.supervisor import Supervisor, log_path
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.waiting import wait_for

SECONDS = {"profile": "synthetic", "seconds": 1}
DEADLINE_SECONDS = 120
UNTIL_TOLD = 500
"""Trials of a campaign that lasts until a test has seen what it waits for, however slowly this machine starts it."""


def running(store: Store, campaign_id: str) -> int:
    return len(store.reads.trial_documents(campaign_id, state="running").items)


def end_soon(store: Store, campaign_id: str) -> int:
    """Leaves the campaign a few trials more; returns how many there will be."""
    trials = store.reads.get_campaign(campaign_id).trials_begun + 5
    store.service.update_campaign(campaign_id, {"trials": trials})
    return trials


def test_more_trials_and_workers_while_it_runs(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec(trials=4, proxy_task=SECONDS)).id
    with supervising(Supervisor(url, tmp_path)):
        wait_for(lambda: store.reads.get_campaign(campaign_id).trials_finished >= 2, DEADLINE_SECONDS, "two rewards")
        store.service.update_campaign(campaign_id, {"trials": UNTIL_TOLD, "parallelism": 3})
        wait_for(lambda: running(store, campaign_id) == 3, DEADLINE_SECONDS, "three trials at once")
        trials = end_soon(store, campaign_id)
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", DEADLINE_SECONDS, "the end")
    assert verify(store, campaign_id).trials_finished == trials
    attempts = [store.reads.get_trial(campaign_id, number).attempts for number in range(trials)]
    assert {attempt.state for made in attempts for attempt in made} == {"accepted"}  # nothing was cut off for it
    store.close()


def test_two_campaigns_share_the_workers_and_the_one_that_is_left_has_all(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(trials=UNTIL_TOLD, parallelism=2, proxy_task=SECONDS)
    first = store.service.create_campaign(spec).id
    with supervising(Supervisor(url, tmp_path, max_parallelism=2)):
        wait_for(lambda: running(store, first) == 2, DEADLINE_SECONDS, "all workers")
        second = store.service.create_campaign(spec).id
        wait_for(
            lambda: running(store, first) == running(store, second) == 1, DEADLINE_SECONDS, "one trial of each at once"
        )
        end_soon(store, second)
        wait_for(
            lambda: store.reads.get_campaign(second).state == "completed", DEADLINE_SECONDS, "the end of the second"
        )
        wait_for(lambda: running(store, first) == 2, DEADLINE_SECONDS, "all workers again")
        trials = end_soon(store, first)
        wait_for(lambda: store.reads.get_campaign(first).state == "completed", DEADLINE_SECONDS, "the end of the first")
    log = log_path(tmp_path, first).read_text()
    told = [line.partition("workers ")[2].partition(",")[0] for line in log.splitlines() if ": workers " in line]
    assert told == ["2", "1", "2"]
    assert verify(store, first).trials_finished == trials
    store.close()


def test_a_baseline_that_is_never_in_time_fails_the_campaign(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    slow = {"profile": "synthetic", "seconds": 40}
    spec = synthetic_spec(trials=3, proxy_task=slow, trial_timeout_seconds=1, retries=1)
    campaign_id = store.service.create_campaign(spec).id
    with supervising(Supervisor(url, tmp_path)):
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "failed", DEADLINE_SECONDS, "the end")
    attempts = store.reads.get_trial(campaign_id, 0).attempts
    assert [(attempt.state, attempt.error_kind) for attempt in attempts] == [("failed", "timed-out")] * 2
    assert store.reads.get_campaign(campaign_id).error == (
        "the uniform baseline cannot be trained on this machine: "
        "the attempt took longer than trial_timeout_seconds, 1 s"
    )
    store.close()


def test_what_this_machine_does_not_have_fails_the_campaign_instead_of_being_waited_for(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(trials=3, proxy_task=SECONDS, resources={"tpus": 4})
    campaign_id = store.service.create_campaign(spec).id
    with supervising(Supervisor(url, tmp_path)):
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "failed", DEADLINE_SECONDS, "the failure")
    error = "a trial asks for 4 TPU (`resources.tpus`) and this machine has 0"
    assert store.reads.get_campaign(campaign_id).error == error
    store.close()
