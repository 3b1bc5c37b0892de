"""Queues messages to webhooks in the transaction that writes the event they tell of, so that none can be lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from nas_controller.states import BASELINE_TRIAL, WEBHOOK_EVENTS, WebhookEvent
from nas_controller.store import models
from nas_controller.store.campaign_ids import new_message_id

GIVES_UP_AFTER = timedelta(days=3)
"""How long the delivery of a message is tried."""
MAX_ERROR_LENGTH = 1_000

_FINALS_COMPLETED = "finals.completed"


def queue_messages(
    session: Session, campaign: models.Campaign, now: datetime, kind: str, data: Mapping[str, Any]
) -> None:
    """Queues the messages that the latest event of a locked campaign causes."""
    if kind not in WEBHOOK_EVENTS and kind != _FINALS_COMPLETED:
        return
    table = models.Webhook
    query = select(table).where(
        table.disabled_at.is_(None), or_(table.campaign_id.is_(None), table.campaign_id == campaign.id)
    )
    # The lock makes a request to delete one of them wait, which would else leave a message to nobody.
    webhooks = session.scalars(query.order_by(table.id).with_for_update(read=True, key_share=True)).all()
    if not webhooks:
        return
    event = _webhook_event(session, campaign, kind, data)
    for webhook in webhooks:
        if event in webhook.events:
            facts = _facts(session, campaign, data)
            session.add(new_message(webhook.id, str(event), now, facts, campaign.id, campaign.last_event))


def new_message(
    webhook_id: str,
    event: str,
    now: datetime,
    facts: dict[str, Any],
    campaign_id: str | None = None,
    sequence: int | None = None,
) -> models.WebhookDelivery:
    """The row of a message that is due now."""
    return models.WebhookDelivery(
        id=new_message_id(now),
        webhook_id=webhook_id,
        type=event,
        campaign_id=campaign_id,
        event=sequence,
        facts=facts,
        state="pending",
        attempts=0,
        created_at=now,
        next_attempt_at=now,
        gives_up_at=now + GIVES_UP_AFTER,
    )


def _webhook_event(
    session: Session, campaign: models.Campaign, kind: str, data: Mapping[str, Any]
) -> WebhookEvent | None:
    """The message to webhooks about an event of the record; None for finals that have confirmed no other winner."""
    if kind != _FINALS_COMPLETED:
        return next(event for event in WEBHOOK_EVENTS if event == kind)
    if data["winner"] is None:
        return None
    table = models.Event
    earlier = select(table.data).where(
        table.campaign_id == campaign.id, table.kind == kind, table.sequence < campaign.last_event
    )
    before = session.scalars(earlier.order_by(table.sequence.desc()).limit(1)).one_or_none()
    return None if before is not None and before["winner"] == data["winner"] else "best.confirmed"


def _facts(session: Session, campaign: models.Campaign, data: Mapping[str, Any]) -> dict[str, Any]:
    """What a message says of a locked campaign and its latest event."""
    error = data.get("error")
    return {
        "campaign": {"id": campaign.id, "name": campaign.name, "state": campaign.state},
        "trials": {
            "finished": campaign.trials_finished,
            "total": campaign.spec["trials"],
            "since_best": campaign.trials_since_best,
        },
        "baseline": _rewarded(BASELINE_TRIAL, campaign.baseline_reward),
        "best": _best(session, campaign),
        "error": None if error is None else error[:MAX_ERROR_LENGTH],
        "error_kind": data.get("kind"),
        "because": data.get("because"),
    }


def _best(session: Session, campaign: models.Campaign) -> dict[str, Any] | None:
    """The trial that finals rank first, or else that of the highest reward."""
    finals = campaign.finals or {}
    number = campaign.best_trial if finals.get("best") is None else finals["best"]
    if number is None:
        return None
    is_best_reward = number == campaign.best_trial
    reward = campaign.best_reward if is_best_reward else session.get_one(models.Trial, (campaign.id, number)).reward
    return {"trial": number, "reward": reward, "is_confirmed": number == finals.get("winner")}


def _rewarded(trial: int, reward: float | None) -> dict[str, Any] | None:
    return None if reward is None else {"trial": trial, "reward": reward}
