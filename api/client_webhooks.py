"""The part of the client for webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.client_connection import Connection, segment
from api.documents import DeliveryDocument, NewWebhookDocument, WebhookDocument


class WebhooksClient(Connection):
    """Requests for webhooks, which need the scope admin."""

    def create_webhook(
        self, url: str, events: Sequence[str] | None = None, campaign_id: str | None = None
    ) -> NewWebhookDocument:
        """Creates a webhook for these events, by default for all, of one campaign or of all."""
        body = {"url": url, "campaign_id": campaign_id, **({"events": list(events)} if events else {})}
        return self._change(NewWebhookDocument, "/v1/webhooks", body)

    def webhooks(self) -> list[WebhookDocument]:
        """All webhooks, oldest first."""
        return list(self._all(WebhookDocument, "/v1/webhooks", {}))

    def webhook(self, webhook_id: str) -> WebhookDocument:
        """One webhook."""
        return self._read(WebhookDocument, f"/v1/webhooks/{segment(webhook_id)}")

    def delete_webhook(self, webhook_id: str) -> None:
        """Deletes a webhook and its messages."""
        self._remove(f"/v1/webhooks/{segment(webhook_id)}")

    def test_webhook(self, webhook_id: str) -> DeliveryDocument:
        """Queues a test message."""
        return self._change(DeliveryDocument, f"/v1/webhooks/{segment(webhook_id)}/test")

    def deliveries(self, webhook_id: str, *, state: str | None = None) -> Iterator[DeliveryDocument]:
        """The messages to a webhook, newest first."""
        return self._all(DeliveryDocument, f"/v1/webhooks/{segment(webhook_id)}/deliveries", {"state": state})

    def delivery(self, webhook_id: str, delivery_id: str) -> DeliveryDocument:
        """A message to a webhook."""
        return self._read(DeliveryDocument, f"/v1/webhooks/{segment(webhook_id)}/deliveries/{segment(delivery_id)}")

    def resend_delivery(self, webhook_id: str, delivery_id: str) -> DeliveryDocument:
        """Sends a message again now."""
        path = f"/v1/webhooks/{segment(webhook_id)}/deliveries/{segment(delivery_id)}/resend"
        return self._change(DeliveryDocument, path)
