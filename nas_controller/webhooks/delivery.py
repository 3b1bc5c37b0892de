"""Delivers the messages that are due. Each is sent at least once; receivers tell repeats by `webhook-id`."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version

from nas_controller.store import LeaseLostError, Store
from nas_controller.store.clock import utc_now
from nas_controller.store.webhook_deliveries import Answer, ClaimedDelivery
from nas_controller.webhooks.addresses import checked_url
from nas_controller.webhooks.payloads import payload_of
from nas_controller.webhooks.retries import next_attempt
from nas_controller.webhooks.sending import Message, send_all
from search_space.errors import InvalidValueError

AT_ONCE = 20
GONE = 410

logger = logging.getLogger(__name__)


class Deliveries:
    """Delivers messages of `store` to webhooks on `hosts`, on any host without any; links begin with `public_url`."""

    def __init__(
        self,
        store: Store,
        public_url: str = "",
        hosts: tuple[str, ...] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._public_url = public_url
        self._hosts = hosts
        self._clock = clock
        self._chance = random.Random()

    def step(self) -> bool:
        """Makes an attempt at the messages that are due, at most AT_ONCE; False if there are none.

        Raises StoreUnavailableError; what was sent before is sent again.
        """
        claimed = self._store.runner.deliveries.claim_deliveries(AT_ONCE)
        messages = [(each, message) for each in claimed if (message := self._message(each)) is not None]
        answers = send_all([message for _, message in messages], f"effspine/{version('effspine')}")
        for (delivery, _), answer in zip(messages, answers, strict=True):
            self._record(delivery, answer)
        return bool(claimed)

    def _message(self, delivery: ClaimedDelivery) -> Message | None:
        """What to send; None if nothing may be sent to the address any more, which is recorded."""
        try:
            checked_url(delivery.url, self._hosts)
        except InvalidValueError as error:
            self._record(delivery, Answer(0.0, error=str(error)))
            return None
        payload = delivery.payload
        if payload is None:
            payload = payload_of(self._store, delivery, self._public_url)
            with suppress(LeaseLostError):
                self._store.runner.deliveries.save_payload(delivery.id, delivery.attempt, payload)
        return Message(delivery.id, delivery.url, delivery.secret, payload)

    def _record(self, delivery: ClaimedDelivery, answer: Answer) -> None:
        writes = self._store.runner.deliveries
        with suppress(LeaseLostError):  # the webhook was deleted, or this took longer than the claim
            if answer.error is None:
                writes.complete_delivery(delivery.id, delivery.attempt, answer)
                return
            retry_at = next_attempt(delivery.attempt, self._clock(), delivery.gives_up_at, self._chance)
            disables = f"it responded with {GONE}" if answer.status == GONE and not delivery.is_test else None
            is_last = delivery.is_test or disables is not None
            writes.fail_delivery(
                delivery.id, delivery.attempt, answer, None if is_last else retry_at, disables=disables
            )
            what = "is disabled" if disables else "is given up" if is_last or retry_at is None else "is sent again"
            logger.warning("webhook %s: message %s %s: %s", delivery.webhook_id, delivery.id, what, answer.error)
