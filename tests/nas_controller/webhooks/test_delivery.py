"""Messages to a real receiver on loopback: signed, sent again, given up, and never lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from nas_controller.entities import NewWebhookDocument
from nas_controller.store import Store
from nas_controller.store.webhooks import DeliveryRecord
from nas_controller.webhooks import sending
from nas_controller.webhooks.delivery import Deliveries
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create
from tests.support.webhook_receiver import Receiver, Reply, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def deliveries(store: Store, clock: Clock) -> Deliveries:
    return Deliveries(store, "https://search.example.org", clock=clock)


def stopped_campaign(store: Store) -> str:
    """A campaign that has ended without a trial."""
    campaign_id = create(store, name="cars")
    claimed_campaign(store, campaign_id).end("stopped")
    return campaign_id


def only(store: Store, webhook: NewWebhookDocument) -> DeliveryRecord:
    (delivery,) = store.service.list_deliveries(webhook.id).items
    return delivery


def verified(receiver: Receiver, secret: str, index: int = -1) -> Any:
    request = receiver.received[index]
    return Verifier(secret).verify(request.body, request.headers)


def test_a_receiver_verifies_a_message_with_the_library_of_the_specification(
    store: Store, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = store.service.create_webhook(receiver.url)
    campaign_id = stopped_campaign(store)
    assert deliveries.step()
    payload = verified(receiver, webhook.secret)
    assert payload["type"] == "campaign.stopped"
    assert datetime.fromisoformat(payload["timestamp"]) == store.reads.get_campaign(campaign_id).finished_at
    data = payload["data"]
    assert data["campaign"] == {"id": campaign_id, "name": "cars", "state": "stopped"}
    assert data["event"] == store.reads.get_campaign(campaign_id).last_event
    assert data["links"]["campaign"] == f"https://search.example.org/v1/campaigns/{campaign_id}"
    assert receiver.received[0].headers["webhook-id"] == only(store, webhook).id
    assert receiver.received[0].headers["content-type"] == "application/json"
    other = store.service.create_webhook(receiver.url)
    with pytest.raises(WebhookVerificationError):
        verified(receiver, other.secret)


def test_a_receiver_that_fails_twice_gets_the_same_message_a_third_time(
    store: Store, deliveries: Deliveries, receiver: Receiver, clock: Clock
) -> None:
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    receiver.replies = [Reply(500, body=b"try later"), Reply(503)]
    deliveries.step()
    failed = only(store, webhook)
    assert (failed.state, failed.last_status, failed.last_response) == ("pending", 500, "try later")
    assert failed.last_error == "it responded with 500"
    assert not deliveries.step()  # not before the wait is over
    for wait in (6.25, 18.75):
        clock.advance(wait)
        assert deliveries.step()
    delivered = only(store, webhook)
    assert (delivered.state, delivered.attempts, delivered.last_status) == ("delivered", 3, 204)
    assert delivered.next_attempt_at is delivered.last_error is None
    assert len({(each.headers["webhook-id"], each.body) for each in receiver.received}) == 1
    assert not deliveries.step()


def test_a_receiver_that_is_away_gets_the_message_once_it_is_back(
    store: Store, deliveries: Deliveries, clock: Clock
) -> None:
    with receiving() as gone:
        webhook = store.service.create_webhook(gone.url)
    stopped_campaign(store)
    deliveries.step()
    failed = only(store, webhook)
    assert (failed.state, failed.last_status) == ("pending", None)
    assert failed.last_error


def test_a_message_is_given_up_after_three_days(
    store: Store, deliveries: Deliveries, receiver: Receiver, clock: Clock
) -> None:
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    clock.advance(timedelta(days=3).total_seconds())
    receiver.replies = [Reply(500)]
    deliveries.step()
    assert only(store, webhook).state == "failed"
    again = store.service.resend_delivery(webhook.id, only(store, webhook).id)
    assert (again.state, again.gives_up_at) == ("pending", clock() + timedelta(days=3))
    deliveries.step()
    assert only(store, webhook).state == "delivered"
    assert receiver.received[0].body == receiver.received[1].body


def test_a_slow_receiver_fails_within_a_bounded_time(
    store: Store, deliveries: Deliveries, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.3)
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    receiver.replies = [Reply(delay_seconds=3.0)]
    deliveries.step()
    assert only(store, webhook).last_error == "no response within 0.3 s"


def test_a_redirect_is_a_failure_and_is_not_followed(store: Store, deliveries: Deliveries, receiver: Receiver) -> None:
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    receiver.replies = [Reply(302, (("Location", receiver.url + "/elsewhere"),))]
    deliveries.step()
    assert [each.path for each in receiver.received] == ["/hook"]
    failed = only(store, webhook)
    assert (failed.state, failed.last_status) == ("pending", 302)
    assert "/elsewhere" in str(failed.last_error)


def test_410_disables_the_webhook_until_a_test_arrives(
    store: Store, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    receiver.replies = [Reply(410)]
    deliveries.step()
    assert only(store, webhook).state == "failed"
    disabled = store.service.get_webhook(webhook.id)
    assert disabled.disabled_because == "it responded with 410"
    stopped_campaign(store)  # it is told of nothing
    assert not deliveries.step()
    store.service.test_webhook(webhook.id)
    deliveries.step()
    assert json.loads(receiver.received[-1].body)["type"] == "webhook.test"
    assert store.service.get_webhook(webhook.id).disabled_at is None
    stopped_campaign(store)
    deliveries.step()
    assert verified(receiver, webhook.secret)["type"] == "campaign.stopped"


def test_a_test_is_sent_once(store: Store, deliveries: Deliveries, receiver: Receiver) -> None:
    webhook = store.service.create_webhook(receiver.url)
    store.service.test_webhook(webhook.id)
    receiver.replies = [Reply(500)]
    deliveries.step()
    assert only(store, webhook).state == "failed"


def test_a_host_that_is_not_allowed_any_more_gets_nothing(store: Store, clock: Clock, receiver: Receiver) -> None:
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    Deliveries(store, hosts=("hooks.example.org",), clock=clock).step()
    assert not receiver.received
    assert "EFFSPINE_WEBHOOK_HOSTS" in str(only(store, webhook).last_error)


def test_a_supervisor_that_is_killed_while_it_sends_loses_nothing(
    store: Store, deliveries: Deliveries, receiver: Receiver, clock: Clock
) -> None:
    webhook = store.service.create_webhook(receiver.url)
    stopped_campaign(store)
    (claimed,) = store.runner.deliveries.claim_deliveries(10)  # and then it dies
    assert not deliveries.step()  # another one leaves the message to it
    clock.advance(61)
    assert deliveries.step()
    delivered = only(store, webhook)
    assert (delivered.id, delivered.state, delivered.attempts) == (claimed.id, "delivered", 2)
