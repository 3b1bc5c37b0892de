"""Webhooks: URLs that receive the events of campaigns, and the messages to them. All need scope admin."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response, status

from api.documents import DeliveryDocument, NewWebhookDocument, Page, WebhookDocument, WebhookRequest
from api.http.dependencies import RequireJson, ReservedCampaignId, ServiceSettings, ServiceStore
from nas_controller.states import DeliveryState
from nas_controller.webhooks.addresses import checked_url

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

WebhookId = Annotated[str, Path(description="Id of the webhook.", max_length=64)]
DeliveryId = Annotated[str, Path(description="Id of the message.", max_length=64)]
EXAMPLES: dict[str, Any] = {
    "all": {"summary": "Every event of every campaign", "value": {"url": "https://hooks.example.org/effspine"}},
    "some": {
        "summary": "Failures and confirmed winners",
        "value": {"url": "https://hooks.example.org/effspine", "events": ["campaign.failed", "best.confirmed"]},
    },
}


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[RequireJson], summary="Create a webhook")
def create(
    request: Annotated[WebhookRequest, Body(openapi_examples=EXAMPLES)],
    response: Response,
    store: ServiceStore,
    settings: ServiceSettings,
    reserved_id: ReservedCampaignId,
) -> NewWebhookDocument:
    """Creates a webhook. The response has the secret that signs its messages; it is not shown again."""
    url = checked_url(request.url, settings.allowed_webhook_hosts)
    webhook_id = None if reserved_id is None else re.sub("^c_", "w_", reserved_id)
    webhook = store.service.create_webhook(url, request.events, request.campaign_id, webhook_id)
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}"
    return webhook


@router.get("", summary="List webhooks")
def list_all(store: ServiceStore) -> Page[WebhookDocument]:
    """All webhooks, oldest first, without their secrets."""
    return Page(items=list(store.service.list_webhooks()), next_cursor=None)


@router.get("/{webhook_id}", summary="Read a webhook")
def read(webhook_id: WebhookId, store: ServiceStore) -> WebhookDocument:
    """The events that are sent to it, and whether it is disabled because it responded with 410."""
    return store.service.get_webhook(webhook_id)


@router.delete("/{webhook_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Delete a webhook")
def delete(webhook_id: WebhookId, store: ServiceStore) -> Response:
    """Deletes a webhook and its messages, also those that wait."""
    store.service.delete_webhook(webhook_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/{webhook_id}/test", status_code=status.HTTP_202_ACCEPTED, summary="Test a webhook")
def test(webhook_id: WebhookId, store: ServiceStore) -> DeliveryDocument:
    """Queues a message of the type `webhook.test`, which the supervisor sends once; the delivery says what came of it.
    If it arrives, a disabled webhook is enabled again.
    """
    return _document(store.service.test_webhook(webhook_id))


@router.get("/{webhook_id}/deliveries", summary="List the messages to a webhook")
def list_deliveries(
    webhook_id: WebhookId,
    store: ServiceStore,
    state: Annotated[DeliveryState | None, Query(description="Only messages in this state.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.", max_length=400)] = None,
) -> Page[DeliveryDocument]:
    """Messages, newest first, with the response to their latest attempt."""
    listed = store.service.list_deliveries(webhook_id, state, limit, cursor)
    return Page(items=[_document(delivery) for delivery in listed.items], next_cursor=listed.next_cursor)


@router.get("/{webhook_id}/deliveries/{delivery_id}", summary="Read a message to a webhook")
def read_delivery(webhook_id: WebhookId, delivery_id: DeliveryId, store: ServiceStore) -> DeliveryDocument:
    """A message, with the response to its latest attempt."""
    return _document(store.service.get_delivery(webhook_id, delivery_id))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/resend",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a message again",
)
def resend(webhook_id: WebhookId, delivery_id: DeliveryId, store: ServiceStore) -> DeliveryDocument:
    """Sends a message again now, with the same id and payload, also one that was delivered or given up. 409 while the
    webhook is disabled.
    """
    return _document(store.service.resend_delivery(webhook_id, delivery_id))


def _document(delivery: DeliveryDocument) -> DeliveryDocument:
    return DeliveryDocument.model_validate(delivery.to_dict())
