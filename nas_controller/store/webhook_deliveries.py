"""What supervisors write about the messages to webhooks.

A message is claimed before it is sent, so that two supervisors do not send it at the same time. Whoever is killed in
between has sent it or not; it is sent again once the claim has expired, with the same id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from nas_controller.states import WEBHOOK_TEST
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import LeaseLostError
from nas_controller.store.sanitising import sanitise

CLAIM_SECONDS = 60.0
"""How long a supervisor may take for an attempt, before another one may begin the next."""
MAX_RESPONSE_LENGTH = 500


@dataclass(frozen=True)
class ClaimedDelivery:
    """A message to deliver now, as `attempt`: to `url`, signed with `secret`. `payload` is None before the first."""

    id: str
    webhook_id: str
    attempt: int
    url: str
    secret: str
    type: str
    campaign_id: str | None
    event: int | None
    created_at: datetime
    gives_up_at: datetime
    facts: dict[str, Any]
    payload: dict[str, Any] | None

    @property
    def is_test(self) -> bool:
        """Whether it only tests the webhook."""
        return self.type == WEBHOOK_TEST


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: the status and the beginning of the body of a response, or why there was none."""

    seconds: float
    status: int | None = None
    body: str | None = None
    error: str | None = None


class DeliveryWrites:
    """Writes of supervisors about messages. All raise StoreUnavailableError when the database is unavailable, and those
    of an attempt LeaseLostError if it is not the latest, or the webhook was deleted.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim_deliveries(self, limit: int) -> tuple[ClaimedDelivery, ...]:
        """Begins an attempt at up to `limit` messages that are due, the longest due first."""
        table, webhook, now = models.WebhookDelivery, models.Webhook, self._clock()
        is_due = (table.state == "pending") & (table.next_attempt_at <= now)
        is_free = or_(table.claimed_until.is_(None), table.claimed_until <= now)
        with self._database.single_statement() as connection:  # a supervisor asks every second
            if connection.execute(select(table.id).where(is_due, is_free).limit(1)).first() is None:
                return ()
        query = select(table, webhook).join(webhook, webhook.id == table.webhook_id).where(is_due, is_free)
        ordered = query.order_by(table.next_attempt_at, table.id).limit(limit)
        with self._database.writing() as session:
            rows = session.execute(ordered.with_for_update(of=table, skip_locked=True)).all()
            for row, _ in rows:
                row.attempts += 1
                row.last_attempt_at = now
                row.claimed_until = now + timedelta(seconds=CLAIM_SECONDS)
            session.flush()
            return tuple(_claimed(row, receiver) for row, receiver in rows)

    def save_payload(self, delivery_id: str, attempt: int, payload: dict[str, Any]) -> None:
        """Stores the payload, which every attempt sends."""
        with self._database.writing() as session:
            _find(session, delivery_id, attempt).payload = payload

    def complete_delivery(self, delivery_id: str, attempt: int, answer: Answer) -> None:
        """The message has arrived. If it was a test, a disabled webhook is enabled."""
        with self._database.writing() as session:
            row = _find(session, delivery_id, attempt)
            _end_attempt(row, answer)
            row.state, row.next_attempt_at = "delivered", None
            if row.type == WEBHOOK_TEST:
                values = {"disabled_at": None, "disabled_because": None}
                session.execute(update(models.Webhook).where(models.Webhook.id == row.webhook_id).values(values))

    def fail_delivery(
        self, delivery_id: str, attempt: int, answer: Answer, retry_at: datetime | None, *, disables: str | None = None
    ) -> None:
        """The attempt has failed: another one follows at `retry_at`, or None gives the message up. `disables` is why
        the webhook is disabled, which gives up all messages to it.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = _find(session, delivery_id, attempt)
            _end_attempt(row, answer)
            row.state, row.next_attempt_at = ("failed", None) if retry_at is None else ("pending", retry_at)
            session.flush()
            if disables is not None:
                _disable(session, row.webhook_id, now, disables)


def _disable(session: Session, webhook_id: str, now: datetime, because: str) -> None:
    webhook, table = session.get_one(models.Webhook, webhook_id), models.WebhookDelivery
    webhook.disabled_at, webhook.disabled_because = webhook.disabled_at or now, because
    session.execute(
        update(table)
        .where(table.webhook_id == webhook_id, table.state == "pending")
        .values(state="failed", next_attempt_at=None, last_error="the webhook is disabled")
    )


def _end_attempt(row: models.WebhookDelivery, answer: Answer) -> None:
    row.claimed_until = None
    row.last_status, row.last_error, row.last_seconds = answer.status, sanitise(answer.error), answer.seconds
    row.last_response = None if answer.body is None else sanitise(answer.body[:MAX_RESPONSE_LENGTH])


def _find(session: Session, delivery_id: str, attempt: int) -> models.WebhookDelivery:
    row = session.get(models.WebhookDelivery, delivery_id, with_for_update=True)
    if row is None or row.attempts != attempt:
        raise LeaseLostError(f"message '{delivery_id}' is not in attempt {attempt} any more")
    return row


def _claimed(row: models.WebhookDelivery, webhook: models.Webhook) -> ClaimedDelivery:
    return ClaimedDelivery(
        id=row.id,
        webhook_id=row.webhook_id,
        attempt=row.attempts,
        url=webhook.url,
        secret=webhook.secret,
        type=row.type,
        campaign_id=row.campaign_id,
        event=row.event,
        created_at=row.created_at,
        gives_up_at=row.gives_up_at,
        facts=row.facts,
        payload=row.payload,
    )
