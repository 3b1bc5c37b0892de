"""Sends messages: one POST each, all at the same time, each within a bounded time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import NamedTuple

import httpx

from nas_controller.store.webhook_deliveries import MAX_RESPONSE_LENGTH, Answer
from nas_controller.webhooks.signing import signed_headers

TIMEOUT_SECONDS = 10.0
"""How long an attempt may take in all."""


class Message(NamedTuple):
    """A message to send."""

    id: str
    url: str
    secret: str
    payload: dict[str, object]


def send_all(messages: Sequence[Message], user_agent: str) -> list[Answer]:
    """What came of sending each message. Nothing is raised for a receiver that is away or slow."""
    return asyncio.run(_send_all(messages, user_agent))


async def _send_all(messages: Sequence[Message], user_agent: str) -> list[Answer]:
    headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
    # No proxy and no .netrc of the environment: a message goes to the host of its address and nowhere else.
    async with httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=None, headers=headers) as client:
        return await asyncio.gather(*(_send(client, message) for message in messages))


async def _send(client: httpx.AsyncClient, message: Message) -> Answer:
    body = json.dumps(message.payload, separators=(",", ":"), ensure_ascii=False).encode()
    headers = signed_headers(message.secret, message.id, int(time.time()), body)
    began, status, text = time.monotonic(), None, b""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            request = {"content": body, "headers": {**headers, "Content-Type": "application/json"}}
            async with client.stream("POST", message.url, **request) as response:  # type: ignore[arg-type]
                status, error = response.status_code, _error_of(response)
                async for chunk in response.aiter_raw():
                    text += chunk
                    if len(text) >= MAX_RESPONSE_LENGTH:
                        break
    except TimeoutError:
        error = error if status is not None else f"no response within {TIMEOUT_SECONDS:g} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as failure:
        error = error if status is not None else str(failure) or type(failure).__name__
    return Answer(time.monotonic() - began, status, text.decode("utf-8", "replace") if status else None, error)


def _error_of(response: httpx.Response) -> str | None:
    """Why a response is no success; None if it is one."""
    if response.is_success:
        return None
    if response.is_redirect:
        target = response.headers.get("location", "")[:200]
        return f"it responded with {response.status_code}, a redirect to {target!r}; redirects are not followed"
    return f"it responded with {response.status_code}"
