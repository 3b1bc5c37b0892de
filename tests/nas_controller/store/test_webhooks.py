"""Webhooks and their outbox: messages are written with the event that causes them, and each event causes one."""

from __future__ import annotations

from typing import Any

import pytest

from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.search import plateau
from nas_controller.search.outcomes import Rewarded
from nas_controller.states import WEBHOOK_EVENTS
from nas_controller.store import ConflictError, NotFoundError, Store, events, models
from nas_controller.store.webhooks import DeliveryRecord
from search_space.errors import InvalidValueError
from tests.support.recorded_finals import recorded_finals
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, run_to_the_end

URL = "https://hooks.example.org/"


def sent(store: Store, webhook_id: str) -> list[DeliveryRecord]:
    """The messages, oldest first."""
    return list(reversed(store.service.list_deliveries(webhook_id).items))


def run_with_rewards(store: Store, campaign_id: str, rewards: list[float]) -> None:
    campaign = claimed_campaign(store, campaign_id)
    for value in rewards:
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, Rewarded(value, {"ap": value}))


def test_the_end_of_a_campaign_is_told_with_its_best(store: Store) -> None:
    webhook = store.service.create_webhook(URL)
    campaign_id = create(store, trials=4)
    run_with_rewards(store, campaign_id, [0.3, 0.2, 0.5, 0.1])
    (message,) = sent(store, webhook.id)
    campaign = store.reads.get_campaign(campaign_id)
    assert (message.type, message.event, message.state) == ("campaign.completed", campaign.last_event, "pending")
    assert message.facts["best"] == {"trial": 2, "reward": 0.5, "is_confirmed": False}
    assert message.facts["baseline"] == {"trial": 0, "reward": 0.3}
    assert message.facts["trials"] == {"finished": 4, "total": 4, "since_best": 1}


def test_a_failure_is_told_with_its_error(store: Store) -> None:
    webhook = store.service.create_webhook(URL, ["campaign.failed"])
    campaign = claimed_campaign(store, create(store))
    campaign.end("failed", "no data\n" + "x" * 5_000, kind="data")
    (message,) = sent(store, webhook.id)
    assert (message.facts["error_kind"], len(str(message.facts["error"]))) == ("data", 1_000)


def test_every_plateau_is_told_once_and_the_record_replays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plateau, "PLATEAU_TRIALS", 10)
    webhook = store.service.create_webhook(URL, ["search.plateau"])
    campaign_id = create(store, trials=200)
    run_with_rewards(store, campaign_id, [0.5, *[0.1] * 13])
    assert [each.facts["trials"]["finished"] for each in sent(store, webhook.id)] == [11]  # type: ignore[index]
    store.runner.release(campaign_id, "runner")
    run_with_rewards(store, campaign_id, [0.6, *[0.1] * 20])
    plateaus = [event for event in store.reads.events_after(campaign_id, 0, 1_000) if event.kind == "search.plateau"]
    assert [event.data["best_trial"] for event in plateaus] == [0, 14]
    assert plateaus[1].data["trials_since_best"] == 15  # half of all that are finished then
    assert len(sent(store, webhook.id)) == 2
    assert verify(store, campaign_id).trials_finished == 35
    with store._database.writing() as session:
        row = session.get_one(models.Event, (campaign_id, plateaus[1].sequence))
        row.data = {**row.data, "trials_since_best": 14}
    with pytest.raises(ReplayError, match="what it says of the plateau"):
        verify(store, campaign_id)
    with store._database.writing() as session:
        session.get_one(models.Event, (campaign_id, plateaus[0].sequence + 1)).kind = "search.plateau"
    with pytest.raises(ReplayError, match="whether a plateau begins"):
        verify(store, campaign_id)


@pytest.mark.parametrize(
    ("since", "finished", "begins"),
    [(99, 100, False), (100, 101, True), (101, 102, False), (100, 300, False), (150, 300, True), (151, 301, False)],
)
def test_a_plateau_begins_after_a_hundred_trials_and_half_of_all(since: int, finished: int, begins: bool) -> None:
    assert plateau.begins_plateau(since, finished) == begins


def test_every_new_confirmed_winner_is_told_once(store: Store, clock: Clock) -> None:
    webhook = store.service.create_webhook(URL, ["best.confirmed"])
    (*_, campaign_id) = recorded_finals(store, clock)
    history = store.reads.events_after(campaign_id, 0, 1_000)
    winners = [event.data["winner"] for event in history if event.kind == "finals.completed"]
    changes = [new for before, new in zip([None, *winners], winners, strict=False) if new not in (None, before)]
    told: list[Any] = [message.facts["best"] for message in sent(store, webhook.id)]
    assert [(best["trial"], best["is_confirmed"]) for best in told] == [(winner, True) for winner in changes]
    assert len(winners) > len(changes) > 0


def test_a_message_and_its_event_are_one_transaction(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = store.service.create_webhook(URL)
    campaign = claimed_campaign(store, create(store))

    def fail(*arguments: object) -> None:
        queue(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("killed before the commit")

    queue = events.queue_messages
    monkeypatch.setattr(events, "queue_messages", fail)
    with pytest.raises(RuntimeError, match="before the commit"):
        campaign.end("stopped")
    assert store.reads.get_campaign(campaign.record.id).state == "running"
    assert not sent(store, webhook.id)
    monkeypatch.setattr(events, "queue_messages", queue)
    campaign.end("stopped")
    assert [each.type for each in sent(store, webhook.id)] == ["campaign.stopped"]


def test_a_webhook_is_told_only_of_its_events_and_its_campaign(store: Store) -> None:
    first, second = create(store, trials=1), create(store, trials=1)
    of_failures = store.service.create_webhook(URL, ["campaign.failed"])
    of_second = store.service.create_webhook(URL, campaign_id=second)
    of_all = store.service.create_webhook(URL)
    for campaign_id in (first, second):
        run_to_the_end(claimed_campaign(store, campaign_id))
    assert not sent(store, of_failures.id)
    assert [each.campaign_id for each in sent(store, of_second.id)] == [second]
    assert {each.campaign_id for each in sent(store, of_all.id)} == {first, second}


def test_a_secret_is_shown_once_and_a_webhook_goes_with_its_messages(store: Store) -> None:
    webhook = store.service.create_webhook(URL)
    assert webhook.secret.startswith("whsec_")
    assert webhook.secret not in repr((store.service.list_webhooks(), store.service.get_webhook(webhook.id)))
    assert webhook.events == WEBHOOK_EVENTS
    run_to_the_end(claimed_campaign(store, create(store, trials=1)))
    store.service.delete_webhook(webhook.id)
    assert store.runner.deliveries.claim_deliveries(10) == ()
    for gone in (store.service.get_webhook, store.service.delete_webhook, store.service.test_webhook):
        with pytest.raises(NotFoundError, match="no webhook"):
            gone(webhook.id)


def test_what_is_wrong_with_a_webhook_is_named(store: Store) -> None:
    with pytest.raises(InvalidValueError, match="events has 'best'; give at least one of campaign"):
        store.service.create_webhook(URL, ["best"])
    with pytest.raises(InvalidValueError, match="events is empty; give at least one of campaign"):
        store.service.create_webhook(URL, [])
    with pytest.raises(NotFoundError, match="no campaign 'c_0'"):
        store.service.create_webhook(URL, campaign_id="c_0")
    webhook = store.service.create_webhook(URL, webhook_id="w_1")
    assert store.service.create_webhook(URL, webhook_id="w_1") == webhook  # the same request, sent again
    for _ in range(99):
        store.service.create_webhook(URL)
    with pytest.raises(ConflictError, match="100 webhooks"):
        store.service.create_webhook(URL)


def test_two_supervisors_claim_different_messages(store: Store) -> None:
    webhook = store.service.create_webhook(URL)
    for _ in range(3):
        run_to_the_end(claimed_campaign(store, create(store, trials=1)))
    first, second = store.runner.deliveries.claim_deliveries(2), store.runner.deliveries.claim_deliveries(2)
    assert [len(first), len(second)] == [2, 1]
    assert {each.id for each in (*first, *second)} == {each.id for each in sent(store, webhook.id)}
