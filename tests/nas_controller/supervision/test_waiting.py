"""A campaign whose data set or disk room is away waits, while others go on, and continues by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.campaign_errors import CampaignWaitsError
from nas_controller.campaigns.replay import verify
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.execution.worker import Job, OnProgress
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import Store
from nas_controller.supervision import data_availability, restart_backoff
from nas_controller.supervision import supervisor as supervisor_module
from nas_controller.supervision.restart_backoff import RestartBackoff
from nas_controller.supervision.runner import Machine, run
from nas_controller.supervision.runner_protocol import EXIT_DONE, EXIT_WAITS
from nas_controller.supervision.supervisor import Supervisor
from search_space.datasets import registration_file, write_registration
from tests.support.data_identities import data_identity
from tests.support.databases import migrated_sqlite
from tests.support.in_process_runner import IN_PROCESS_RUNNER
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import Clock, synthetic_spec
from tests.support.trials import kinds
from tests.support.waiting import wait_for

Outcome = Rewarded | Failed
DATA = data_identity()
GOOD = Rewarded(0.5, {"ap": 0.5}, DATA)
DISK_FULL = Failed("wait", "no space left on the device for cache/packed", "disk-full")
ANNOTATIONS_AWAY = Failed("wait", "annotations/instances_train.json is missing", "data-away")


def machine(outcome: Callable[[], Outcome] = lambda: GOOD) -> Machine:
    """Workers in this process, each of whose trainings ends with the next outcome."""

    def train(job: Job, widths: tuple[int, ...], on_progress: OnProgress) -> Outcome:
        return outcome()

    return Machine(executor=InProcessExecutor(train))


def untouched() -> Outcome:
    raise AssertionError("nothing may be trained")


def create(store: Store, **changes: object) -> str:
    """A campaign on the data set `cars`."""
    spec = synthetic_spec(dataset="cars", proxy_task={"profile": "smoke"}, trials=2, **changes)
    return store.service.create_campaign(spec).id


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    """The directory of the registered data set `cars`."""
    directory = tmp_path / "mounted" / "cars"
    directory.mkdir(parents=True)
    (directory / "annotations").mkdir()
    write_registration(registration_file(tmp_path, "cars"), directory)
    return directory


def test_a_campaign_whose_data_set_is_away_waits_and_continues_when_it_is_back(
    store: Store, tmp_path: Path, cars: Path
) -> None:
    campaign_id = create(store)
    cars.rename(tmp_path / "away")
    for owner in ("first", "second", "third"):
        assert run(campaign_id, store, tmp_path, owner, machine=machine(untouched)) == EXIT_WAITS
    record = store.reads.get_campaign(campaign_id)
    reason = f"data set 'cars': its directory {cars} is gone"
    assert (record.state, record.error, record.waiting_for) == ("running", None, reason)
    assert kinds(store, campaign_id) == ["campaign.created", "campaign.claimed", "campaign.waiting"]
    assert store.reads.events_after(campaign_id, 2)[0].data == {"for": reason, "kind": "data-away"}

    (tmp_path / "away").rename(cars)
    assert run(campaign_id, store, tmp_path, "fourth", machine=machine()) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.waiting_for, record.trials_finished) == ("completed", None, 2)
    verify(store, campaign_id)


@pytest.mark.parametrize(
    "mishap", ["unmounted", "registration gone", "registration damaged", "a link to itself", "a file"]
)
def test_every_way_in_which_a_registered_data_set_may_be_away(
    store: Store, tmp_path: Path, cars: Path, mishap: str
) -> None:
    campaign_id = create(store)
    file = registration_file(tmp_path, "cars")
    before = file.read_bytes()
    if mishap == "unmounted":  # the empty mount point is left
        (cars / "annotations").rmdir()
    elif mishap == "registration gone":
        file.unlink()
    elif mishap == "registration damaged":
        file.write_bytes(b'{"path": ')
    elif mishap == "a link to itself":
        link = tmp_path / "link"
        link.symlink_to(link)
        write_registration(file, link)
    else:
        shutil.rmtree(cars)
        cars.touch()
    assert run(campaign_id, store, tmp_path, "first", machine=machine(untouched)) == EXIT_WAITS
    assert "'cars'" in (store.reads.get_campaign(campaign_id).waiting_for or "")
    if cars.is_file():
        cars.unlink()
    (cars / "annotations").mkdir(parents=True, exist_ok=True)
    file.write_bytes(before)
    assert run(campaign_id, store, tmp_path, "second", machine=machine()) == EXIT_DONE


def test_data_that_go_away_between_two_trials_cost_no_attempt(store: Store, tmp_path: Path, cars: Path) -> None:
    campaign_id = create(store, retries=0)
    outcomes = iter([GOOD, ANNOTATIONS_AWAY, ANNOTATIONS_AWAY, GOOD])
    for status in (EXIT_WAITS, EXIT_WAITS, EXIT_DONE):
        assert run(campaign_id, store, tmp_path, "runner", machine=machine(lambda: next(outcomes))) == status
    attempts = store.reads.get_trial(campaign_id, 1).attempts
    assert [attempt.state for attempt in attempts] == ["abandoned", "abandoned", "accepted"]
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


def test_an_empty_directory_that_was_never_a_data_set_fails_its_campaign(store: Store, tmp_path: Path) -> None:
    (tmp_path / "datasets" / "cars").mkdir(parents=True)
    campaign_id = create(store)
    assert run(campaign_id, store, tmp_path, "runner", machine=machine(lambda: ANNOTATIONS_AWAY)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error_kind, record.waiting_for) == ("failed", "data-away", None)
    assert record.error == ANNOTATIONS_AWAY.error


def test_a_directory_among_the_data_sets_that_was_read_before_is_waited_for(store: Store, tmp_path: Path) -> None:
    (tmp_path / "datasets" / "cars" / "annotations").mkdir(parents=True)
    campaign_id = create(store)
    outcomes = iter([GOOD, ANNOTATIONS_AWAY])
    assert run(campaign_id, store, tmp_path, "runner", machine=machine(lambda: next(outcomes))) == EXIT_WAITS
    assert store.reads.get_campaign(campaign_id).waiting_for == ANNOTATIONS_AWAY.error


def test_a_full_disk_is_waited_for_and_not_tried_again_before_there_is_room(
    store: Store, tmp_path: Path, cars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = create(store)
    checkpoints = campaign_directory(tmp_path, campaign_id)
    checkpoints.mkdir(parents=True)
    assert run(campaign_id, store, tmp_path, "first", machine=machine(lambda: DISK_FULL)) == EXIT_WAITS
    assert store.reads.get_campaign(campaign_id).waiting_for == DISK_FULL.error
    assert checkpoints.exists()
    events = store.reads.get_campaign(campaign_id).last_event
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    with monkeypatch.context() as patched:
        patched.setattr(data_availability.shutil, "disk_usage", lambda path: full)
        assert run(campaign_id, store, tmp_path, "second", machine=machine(untouched)) == EXIT_WAITS
    assert store.reads.get_campaign(campaign_id).last_event == events
    assert run(campaign_id, store, tmp_path, "third", machine=machine()) == EXIT_DONE
    assert store.reads.get_campaign(campaign_id).state == "completed"
    verify(store, campaign_id)


@pytest.mark.parametrize(("request_of", "state"), [("request_pause", "paused"), ("request_stop", "stopped")])
def test_a_waiting_campaign_is_paused_and_stopped(
    store: Store, tmp_path: Path, cars: Path, request_of: str, state: str
) -> None:
    campaign_id = create(store)
    cars.rename(tmp_path / "away")
    assert run(campaign_id, store, tmp_path, "first", machine=machine(untouched)) == EXIT_WAITS
    getattr(store.service, request_of)(campaign_id)
    assert run(campaign_id, store, tmp_path, "second", machine=machine(untouched)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.waiting_for) == (state, None)


def test_a_campaign_ends_at_its_wall_time_although_it_waits(
    store: Store, tmp_path: Path, cars: Path, clock: Clock
) -> None:
    campaign_id = create(store, stop={"wall_seconds": 100})
    cars.rename(tmp_path / "away")
    assert run(campaign_id, store, tmp_path, "first", machine=machine(untouched)) == EXIT_WAITS
    clock.advance(101)
    assert run(campaign_id, store, tmp_path, "second", machine=machine(untouched)) == EXIT_DONE
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.stopped_because) == ("completed", "wall_seconds")


def test_the_campaign_raises_the_reason_to_wait_and_leaves_the_attempt_running(store: Store) -> None:
    campaign = Campaign(store, store.runner.claim(create(store), "runner", 60))
    work = campaign.next_trial()
    assert work is not None
    with pytest.raises(CampaignWaitsError, match="no space left") as caught:
        campaign.complete(work, DISK_FULL)
    assert caught.value.kind == "disk-full"
    detail = store.reads.get_trial(campaign.record.id, 0)
    assert (detail.trial.state, detail.attempts[0].state, detail.trial.error) == ("running", "running", None)


def test_a_runner_of_a_waiting_campaign_comes_later_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(restart_backoff.time, "monotonic", lambda: now)
    backoff = RestartBackoff()
    waited = []
    for _ in range(6):
        backoff.waits("c_1", progress_now=3)
        began = now
        while not backoff.may_start("c_1"):
            assert backoff.may_start("c_1", needs_workers=False)
            assert backoff.may_start("c_2")
            now += 0.5
        waited.append(now - began)
    assert waited == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    backoff.waits("c_1", progress_now=4)  # it had trained meanwhile
    now += 2.0
    assert backoff.may_start("c_1")
    for _ in range(restart_backoff.MAX_RESTARTS):
        assert backoff.failed("c_1", 4, 4)  # waiting was no failure


def test_a_supervisor_lets_other_campaigns_go_on_and_the_waiting_one_continue(
    tmp_path: Path, cars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(restart_backoff, "FIRST_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(restart_backoff, "MAX_WAIT_SECONDS", 0.2)
    url = migrated_sqlite(tmp_path / "effspine.db")
    store = Store.open(url)
    spec = synthetic_spec(dataset="cars", trials=2)  # names a data set, which its synthetic rewards do not read
    waiting = store.service.create_campaign(spec).id
    cars.rename(tmp_path / "away")
    with supervising(Supervisor(url, tmp_path, campaigns_at_once=1, runner_command=IN_PROCESS_RUNNER)):
        wait_for(lambda: store.reads.get_campaign(waiting).waiting_for is not None, "the wait")
        other = store.service.create_campaign(synthetic_spec(trials=2)).id
        wait_for(lambda: store.reads.get_campaign(other).state == "completed", "the other campaign")
        assert store.reads.get_campaign(waiting).state == "running"
        (tmp_path / "away").rename(cars)
        wait_for(lambda: store.reads.get_campaign(waiting).state == "completed", "the waiting campaign")
    assert kinds(store, waiting).count("campaign.waiting") == 1
    store.close()
