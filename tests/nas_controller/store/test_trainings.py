"""Trainings: their states, attempts and events, whoever is killed."""

from __future__ import annotations

import pytest

from nas_controller.store import ConflictError, LeaseLostError, NotFoundError, Store
from nas_controller.store.supervisors import ALIVE_SECONDS
from nas_controller.store.training_writes import RETRIES
from search_space.errors import InvalidValueError
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import Clock
from tests.support.trainings import progress_at, training_request

FIGURES: dict[str, float | None] = {"ap": 0.25, "ap_small": None}
EVALUATED = {"epoch": 1.0, "last": 0.25, "best": 0.25, "best_step": 50}


def created(store: Store) -> str:
    return store.service.create_training(training_request()).id


def claimed(store: Store, owner: str = "s-1") -> str:
    training = store.runner.training_queue.claim(owner)
    assert training is not None
    return training.id


def events(store: Store, training_id: str) -> list[str]:
    found = store.reads.training_events_after(training_id)
    assert [event.sequence for event in found] == list(range(1, len(found) + 1))
    return [event.kind.removeprefix("training.") for event in found]


def test_a_training_runs_to_its_end_with_its_cost_and_events(store: Store, clock: Clock) -> None:
    training_id = created(store)
    queued = store.reads.get_training(training_id)
    assert (queued.state, queued.progress, queued.attempts, queued.device_seconds) == ("queued", None, 0, 0.0)
    clock.advance(5)
    assert claimed(store) == training_id
    assert store.runner.training_queue.claim("s-2") is None
    store.runner.record_training_progress(training_id, 1, progress_at(20), 4.0)
    store.runner.record_training_progress(training_id, 1, progress_at(50, **EVALUATED), 7.5, FIGURES, is_evaluated=True)
    running = store.reads.get_training(training_id)
    assert (running.state, running.started_at, running.device_seconds) == ("running", clock.now, 7.5)
    assert running.progress == progress_at(50, **EVALUATED)
    assert running.figures == FIGURES
    clock.advance(10)
    store.runner.complete_training(training_id, 1, progress_at(100, **EVALUATED), 12.0, FIGURES)
    done = store.reads.get_training(training_id)
    assert (done.state, done.finished_at, done.device_seconds, done.error) == ("completed", clock.now, 12.0, None)
    assert events(store, training_id) == ["created", "started", "evaluated", "completed"]
    *_, evaluated, completed = store.reads.training_events_after(training_id, 2)
    assert (evaluated.data["step"], evaluated.data["last"], evaluated.data["metric"]) == (50, 0.25, "ap")
    assert completed.data == {"figures": FIGURES}
    for refused in (store.service.stop_training, store.service.resume_training):
        with pytest.raises(ConflictError, match="is completed and cannot be"):
            refused(training_id)


def test_a_stop_waits_for_the_checkpoint_and_a_resumed_training_adds_up_its_cost(store: Store, clock: Clock) -> None:
    training_id = created(store)
    claimed(store)
    store.runner.record_training_progress(training_id, 1, progress_at(20), 4.0)
    assert store.service.stop_training(training_id).state == "stopping"
    assert store.service.stop_training(training_id).state == "stopping"
    with pytest.raises(ConflictError, match="is stopping and cannot be resumed"):
        store.service.resume_training(training_id)
    store.runner.suspend_training(training_id, 1, 6.0)
    stopped = store.reads.get_training(training_id)
    assert (stopped.state, stopped.finished_at, stopped.device_seconds) == ("stopped", clock.now, 6.0)
    assert store.runner.training_queue.claim("s-1") is None
    resumed = store.service.resume_training(training_id)
    assert (resumed.state, resumed.finished_at, resumed.progress) == ("queued", None, progress_at(20))
    claimed(store)
    store.runner.record_training_progress(training_id, 2, progress_at(30), 1.5)
    assert store.reads.get_training(training_id).device_seconds == 7.5
    assert events(store, training_id) == ["created", "started", "stopping", "stopped", "resumed", "started"]


def test_a_queued_training_stops_at_once(store: Store) -> None:
    training_id = created(store)
    assert store.service.stop_training(training_id).state == "stopped"
    assert events(store, training_id) == ["created", "stopped"]


def test_a_lost_process_is_followed_by_others_until_none_evaluates(store: Store) -> None:
    training_id = created(store)
    for attempt in range(1, RETRIES + 1):
        claimed(store)
        assert store.runner.training_queue.lose(training_id, attempt, "killed", "the log").state == "queued"
    claimed(store)
    attempt = RETRIES + 1
    store.runner.record_training_progress(
        training_id, attempt, progress_at(50, **EVALUATED), 1.0, FIGURES, is_evaluated=True
    )
    assert store.runner.training_queue.lose(training_id, attempt, "killed", "the log").state == "queued"
    for more in range(RETRIES - 1):
        claimed(store)
        assert store.runner.training_queue.lose(training_id, attempt + 1 + more, "killed", "").state == "queued"
    claimed(store)
    failed = store.runner.training_queue.lose(training_id, attempt + RETRIES, "killed\0", "the log")
    assert (failed.state, failed.error, failed.log_tail) == ("failed", "killed\N{REPLACEMENT CHARACTER}", "the log")
    assert events(store, training_id)[-2:] == ["started", "failed"]
    assert store.service.resume_training(training_id).failures == 0


def test_only_the_latest_attempt_writes(store: Store) -> None:
    training_id = created(store)
    claimed(store)
    store.runner.training_queue.release("s-1")
    claimed(store, "s-2")
    for write in (
        lambda: store.runner.record_training_progress(training_id, 1, progress_at(1), 1.0),
        lambda: store.runner.complete_training(training_id, 1, progress_at(100), 1.0, FIGURES),
        lambda: store.runner.fail_training(training_id, 1, "error", 1.0),
        lambda: store.runner.suspend_training(training_id, 1, 1.0),
        lambda: store.runner.training_queue.lose(training_id, 1, "error", ""),
    ):
        with pytest.raises(LeaseLostError, match="attempt 1 at it may write no more"):
            write()
    assert store.reads.get_training(training_id).attempts == 2
    store.runner.fail_training(training_id, 2, "the data set is empty", 2.0)
    failed = store.reads.get_training(training_id)
    assert (failed.state, failed.error, failed.log_tail) == ("failed", "the data set is empty", None)


def test_trainings_of_a_silent_supervisor_are_suspended(store: Store, clock: Clock) -> None:
    first, second = created(store), created(store)
    store.runner.record_heartbeat("s-1", "here", 1, "0")
    assert {claimed(store), claimed(store)} == {first, second}
    store.service.stop_training(second)
    assert store.runner.training_queue.release_lost() == 0
    clock.advance(ALIVE_SECONDS + 1)
    assert store.runner.training_queue.release_lost() == 2
    assert [store.reads.get_training(each).state for each in (first, second)] == ["queued", "stopped"]
    assert store.reads.get_training(first).failures == 0


def test_trainings_are_listed_newest_first_by_state_and_campaign(store: Store, clock: Clock) -> None:
    recorder = Recorder(store).run(2)
    ids = []
    for fields in ({}, {"campaign_id": recorder.id, "trial": 1, "model": None, "specification": {"a": [1.5]}}, {}):
        clock.advance(1)
        ids.append(store.service.create_training(training_request(**fields)).id)
    page = store.reads.list_trainings(limit=2)
    assert [each.id for each in page.items] == [ids[2], ids[1]]
    rest = store.reads.list_trainings(limit=2, cursor=page.next_cursor)
    assert ([each.id for each in rest.items], rest.next_cursor) == ([ids[0]], None)
    (of_campaign,) = store.reads.list_trainings(campaign_id=recorder.id).items
    assert (of_campaign.id, of_campaign.trial, of_campaign.specification) == (ids[1], 1, {"a": [1.5]})
    assert claimed(store) == ids[0]
    assert [each.id for each in store.reads.list_trainings("running").items] == [ids[0]]
    with pytest.raises(InvalidValueError, match="state 'gone' is not one of"):
        store.reads.list_trainings("gone")


def test_a_repeated_request_creates_one_training_and_an_unknown_trial_none(store: Store) -> None:
    campaign_id = Recorder(store).run(1).id
    first = store.service.create_training(training_request(), "t_0000000000000001")
    assert store.service.create_training(training_request(), "t_0000000000000001") == first
    with pytest.raises(NotFoundError, match="has no trial 9"):
        store.service.create_training(training_request(campaign_id=campaign_id, trial=9))
    with pytest.raises(NotFoundError, match="there is no training 't_0'"):
        store.reads.training_events_after("t_0")
    assert len(store.reads.list_trainings().items) == 1
