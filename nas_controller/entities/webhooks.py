"""The documents of webhooks and of their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from nas_controller.entities.document import Document
from nas_controller.states import DeliveryState, WebhookEvent


class WebhookDocument(Document):
    """A URL that receives events, without its secret."""

    id: str
    url: str = Field(examples=["https://hooks.example.org/effspine"])
    events: tuple[WebhookEvent, ...] = Field(description="Events that are sent to it.")
    campaign_id: str | None = Field(description="Only events of this campaign; null: of all.")
    created_at: datetime
    disabled_at: datetime | None = Field(description="When it was disabled; null while it receives events.")
    disabled_because: str | None


class NewWebhookDocument(WebhookDocument):
    """A webhook that was just created, with the secret that signs its messages. It is not shown again."""

    secret: str = Field(description="`whsec_` and the key in base 64, as Standard Webhooks has it.")


class DeliveryDocument(Document):
    """A message to a webhook, and how far its delivery is."""

    id: str = Field(description="The header `webhook-id`, the same in every attempt.")
    webhook_id: str
    type: str = Field(description="The event that it tells of, or `webhook.test`.", examples=["campaign.completed"])
    campaign_id: str | None
    event: int | None = Field(description="Sequence number of the campaign's event; null for a test.")
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null once it is delivered or given up.")
    gives_up_at: datetime = Field(description="No attempt follows after this time.")
    last_attempt_at: datetime | None
    last_status: int | None = Field(description="Status of the latest response; null if there was none.")
    last_response: str | None = Field(description="The beginning of its body.")
    last_error: str | None = Field(description="Why the latest attempt failed.")
    last_seconds: float | None = Field(description="Duration of the latest attempt.")
    payload: dict[str, Any] | None = Field(description="The body; null before the first attempt.")
