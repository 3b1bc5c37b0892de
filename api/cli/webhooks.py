"""`effspine webhooks ...`: addresses that a running service tells of what happens to its campaigns."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.campaign.options import AsJson, open_client
from api.cli.campaign.references import campaign_id
from api.cli.output import note, print_json, print_table, print_text
from nas_controller.states import WEBHOOK_EVENTS
from search_space.errors import EffspineError

if TYPE_CHECKING:
    from api.client import Client
    from api.documents import DeliveryDocument

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Send events to other systems: a campaign ends, fails or finds a winner.",
)

TEST_SECONDS = 30.0
_POLL_SECONDS = 0.5

WebhookId = Annotated[str, typer.Argument(metavar="ID", help="Id of the webhook, as `list` shows it.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are posted to.")],
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event", metavar="EVENT", help=f"Only this event; repeatable. One of {', '.join(WEBHOOK_EVENTS)}."
        ),
    ] = None,
    campaign: Annotated[
        str | None, typer.Option(metavar="CAMPAIGN", help="Only events of this campaign: its name or id.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a webhook. Its secret, which signs every message, is printed only once."""
    with open_client() as client:
        webhook = client.create_webhook(url, events, None if campaign is None else campaign_id(client, campaign))
    if as_json:
        print_json(webhook.model_dump(mode="json"))
        return
    print_text(webhook.secret)
    note(f"webhook {webhook.id} receives {', '.join(webhook.events)}; its secret is not shown again")
    note(f"try it with `effspine webhooks test {webhook.id}`")


@app.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List webhooks, oldest first."""
    with open_client() as client:
        webhooks = client.webhooks()
        url = client.url
    if as_json:
        print_json([webhook.model_dump(mode="json") for webhook in webhooks])
        return
    if not webhooks:
        note(f"the service at {url} has no webhook; add one with `effspine webhooks add URL`")
        return
    print_table(
        ("id", "url", "events", "campaign", "state"),
        (
            (
                each.id,
                each.url,
                "all" if len(each.events) == len(WEBHOOK_EVENTS) else ", ".join(each.events),
                each.campaign_id or "all",
                "active" if each.disabled_at is None else f"disabled: {each.disabled_because}",
            )
            for each in webhooks
        ),
        left=("id", "url", "events", "campaign", "state"),
        drop=("events", "campaign"),
        cut=("url",),
    )


@app.command()
def remove(webhook_id: WebhookId) -> None:
    """Remove a webhook and its messages, also those that wait."""
    with open_client() as client:
        client.delete_webhook(webhook_id)
    print_text(f"webhook {webhook_id} is removed")


@app.command("test")
def send_test(webhook_id: WebhookId, as_json: AsJson = False) -> None:
    """Send a test message and show what came of it. Exits with 2 unless it was delivered."""
    with open_client() as client:
        delivery = _outcome(client, client.test_webhook(webhook_id))
    if as_json:
        print_json(delivery.model_dump(mode="json"))
    elif delivery.state == "delivered":
        print_text(f"delivered in {delivery.last_seconds or 0:.2f} s, status {delivery.last_status}")
    if delivery.state == "pending":
        raise EffspineError(
            f"message {delivery.id} was not sent within {TEST_SECONDS:g} s; is a supervisor running (`effspine serve`)?"
        )
    if delivery.state == "failed":
        raise EffspineError(f"message {delivery.id} was not delivered: {delivery.last_error}")


@app.command()
def deliveries(
    webhook_id: WebhookId,
    state: Annotated[
        str | None, typer.Option(help="Only messages in this state: pending, delivered or failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the messages to a webhook, newest first, with the response to their latest attempt."""
    with open_client() as client:
        found = list(islice(client.deliveries(webhook_id, state=state), limit))
    if as_json:
        print_json([delivery.model_dump(mode="json") for delivery in found])
        return
    if not found:
        note(f"there is no message to webhook {webhook_id} yet")
        return
    print_table(
        ("id", "type", "campaign", "state", "attempts", "response"),
        (
            (each.id, each.type, each.campaign_id or "-", each.state, str(each.attempts), _response(each))
            for each in found
        ),
        left=("id", "type", "campaign", "state", "response"),
        drop=("campaign",),
        cut=("response",),
    )


@app.command()
def resend(webhook_id: WebhookId, delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY")]) -> None:
    """Send a message again now, with the same id, also one that was given up."""
    with open_client() as client:
        client.resend_delivery(webhook_id, delivery_id)
    print_text(f"message {delivery_id} is sent again")


def _outcome(client: Client, delivery: DeliveryDocument) -> DeliveryDocument:
    """The delivery once it is over, or as it is after TEST_SECONDS."""
    deadline = time.monotonic() + TEST_SECONDS
    while delivery.state == "pending" and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        delivery = client.delivery(delivery.webhook_id, delivery.id)
    return delivery


def _response(delivery: DeliveryDocument) -> str:
    if delivery.last_error is not None:
        return delivery.last_error
    return "-" if delivery.last_status is None else str(delivery.last_status)
