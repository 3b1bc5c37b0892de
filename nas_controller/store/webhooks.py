"""Webhooks: URLs that receive events, and the messages to them.

Messages are signed as Standard Webhooks has it, so the database has the secrets as they are.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

from pydantic import Field
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from nas_controller.entities import DeliveryDocument, NewWebhookDocument, WebhookDocument
from nas_controller.states import DELIVERY_STATES, WEBHOOK_EVENTS, WEBHOOK_TEST
from nas_controller.store import models
from nas_controller.store.campaign_ids import new_webhook_id
from nas_controller.store.clock import Clock
from nas_controller.store.cursors import checked_limit, decode, encode
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError, NotFoundError
from nas_controller.store.mappers import record_of
from nas_controller.store.records import Page
from nas_controller.store.row_lookup import require_campaign, valid_id
from nas_controller.store.webhook_outbox import GIVES_UP_AFTER, new_message
from search_space.errors import InvalidValueError

SECRET_PREFIX = "whsec_"
MAX_WEBHOOKS = 100
_SECRET_BYTES = 32


class DeliveryRecord(DeliveryDocument):
    """A message. `facts` are what its payload is made of."""

    facts: dict[str, object] = Field(exclude=True)


class Webhooks:
    """Creating, reading and deleting webhooks. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_webhook(
        self,
        url: str,
        events: Sequence[str] = WEBHOOK_EVENTS,
        campaign_id: str | None = None,
        webhook_id: str | None = None,
    ) -> NewWebhookDocument:
        """Creates a webhook; its secret cannot be read again.

        `webhook_id` is an id that was reserved for it; a webhook that has it already is returned, since an earlier
        attempt at the same request created it. Raises InvalidValueError for events that are none, NotFoundError for an
        unknown campaign, and ConflictError beyond MAX_WEBHOOKS.
        """
        unknown = next((event for event in events if event not in WEBHOOK_EVENTS), None)
        if unknown is not None or not events:
            found = "is empty" if unknown is None else f"has {unknown!r}"
            raise InvalidValueError(
                f"events {found}; give at least one of {', '.join(WEBHOOK_EVENTS)}, and no other", field="events"
            )
        now = self._clock()
        with self._database.writing() as session:
            existing = None if webhook_id is None else session.get(models.Webhook, webhook_id)
            if existing is not None:
                return record_of(NewWebhookDocument, existing)
            if campaign_id is not None:
                require_campaign(session, campaign_id)
            if len(session.scalars(select(models.Webhook.id)).all()) >= MAX_WEBHOOKS:
                raise ConflictError(f"there are {MAX_WEBHOOKS} webhooks, the most possible; remove one first")
            row = models.Webhook(
                id=webhook_id or new_webhook_id(now),
                url=url,
                secret=SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode(),
                events=[event for event in WEBHOOK_EVENTS if event in events],
                campaign_id=campaign_id,
                created_at=now,
            )
            session.add(row)
            session.flush()
            return record_of(NewWebhookDocument, row)

    def list_webhooks(self) -> tuple[WebhookDocument, ...]:
        """All webhooks, oldest first."""
        with self._database.reading() as session:
            rows = session.scalars(select(models.Webhook).order_by(models.Webhook.id))
            return tuple(record_of(WebhookDocument, row) for row in rows)

    def get_webhook(self, webhook_id: str) -> WebhookDocument:
        """The webhook. Raises NotFoundError."""
        with self._database.reading() as session:
            return record_of(WebhookDocument, find_webhook(session, webhook_id))

    def delete_webhook(self, webhook_id: str) -> None:
        """Deletes a webhook with all its messages. Raises NotFoundError."""
        with self._database.writing() as session:
            row = find_webhook(session, webhook_id, lock=True)
            session.execute(delete(models.WebhookDelivery).where(models.WebhookDelivery.webhook_id == row.id))
            session.delete(row)

    def test_webhook(self, webhook_id: str) -> DeliveryRecord:
        """Queues a message of the type `webhook.test`, which is sent once; if it arrives, a disabled webhook is enabled
        again. Raises NotFoundError.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = new_message(find_webhook(session, webhook_id, lock=True).id, WEBHOOK_TEST, now, {})
            session.add(row)
            session.flush()
            return record_of(DeliveryRecord, row)

    def list_deliveries(
        self, webhook_id: str, state: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeliveryRecord]:
        """The messages to a webhook, newest first, of one state or of all.

        Raises NotFoundError, and InvalidValueError for an invalid state, limit (1 to 1,000) or cursor.
        """
        table = models.WebhookDelivery
        if state is not None and state not in DELIVERY_STATES:
            raise InvalidValueError(f"state '{state}' is not one of {', '.join(DELIVERY_STATES)}", field="state")
        query = select(table).where(table.webhook_id == valid_id(webhook_id)).order_by(table.id.desc())
        if state is not None:
            query = query.where(table.state == state)
        if cursor is not None:
            query = query.where(table.id < decode(cursor, (str,))[0])
        with self._database.reading() as session:
            find_webhook(session, webhook_id)
            rows = session.scalars(query.limit(checked_limit(limit) + 1)).all()
        items = tuple(record_of(DeliveryRecord, row) for row in rows[:limit])
        return Page(items, encode([items[-1].id]) if len(rows) > limit else None)

    def get_delivery(self, webhook_id: str, delivery_id: str) -> DeliveryRecord:
        """A message to a webhook. Raises NotFoundError."""
        with self._database.reading() as session:
            return record_of(DeliveryRecord, _find_delivery(session, webhook_id, delivery_id))

    def resend_delivery(self, webhook_id: str, delivery_id: str) -> DeliveryRecord:
        """Makes a message due now, whatever became of it, and tries it as long as a new one.

        Raises NotFoundError, and ConflictError for a webhook that is disabled.
        """
        now = self._clock()
        with self._database.writing() as session:
            webhook = find_webhook(session, webhook_id)
            row = _find_delivery(session, webhook_id, delivery_id, lock=True)
            if webhook.disabled_at is not None:
                raise ConflictError(
                    f"webhook '{webhook_id}' is disabled: {webhook.disabled_because}; a test that arrives enables it",
                    field="state",
                )
            row.state, row.next_attempt_at, row.gives_up_at = "pending", now, now + GIVES_UP_AFTER
            session.flush()
            return record_of(DeliveryRecord, row)


def find_webhook(session: Session, webhook_id: str, *, lock: bool = False) -> models.Webhook:
    """The row of a webhook, locked for a writer with `lock`. Raises NotFoundError."""
    row = session.get(models.Webhook, valid_id(webhook_id), with_for_update=lock or None)
    if row is None:
        raise NotFoundError(f"there is no webhook '{webhook_id}'", field="webhook_id")
    return row


def _find_delivery(
    session: Session, webhook_id: str, delivery_id: str, *, lock: bool = False
) -> models.WebhookDelivery:
    row = session.get(models.WebhookDelivery, valid_id(delivery_id), with_for_update=lock or None)
    if row is None or row.webhook_id != webhook_id:
        raise NotFoundError(f"webhook '{webhook_id}' has no delivery '{delivery_id}'", field="delivery_id")
    return row
