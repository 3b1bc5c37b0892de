"""`Idempotency-Key`: a POST that is sent again under the same key is not done again, but answered as before.

Stands behind the doors, so that a key belongs to its caller, and in front of the routes, so that every POST of the
interface, those that are added later too, keeps its promise (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import problem_response, respond_to
from nas_controller.store import Store, StoreError
from nas_controller.store.idempotency_keys import Reservation, SavedResponse

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
LONGEST_KEY = 255
PREFIX = "/v1/"
KEPT_HEADERS = ("content-type", "location")
OPEN_CALLER = "open"
PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text that is new with every request, such as a UUID. The same request with the same key is "
    f"done once and answered again, with `{REPLAYED_HEADER}: true`, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
    "example": "5f0c9d2e-6d3a-4f43-9f0b-2d1f6a8f3b7c",
}


class Idempotency:
    """Middleware that does a POST of the interface once for each key, and gives its answer again.

    Routes find the id that a campaign of theirs is to have in `request.state.reserved_campaign_id`. Answers of the
    service's own failures (5xx) are not kept: the request can be sent again.
    """

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ours = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(PREFIX)
        keys = Headers(scope=scope).getlist(HEADER) if is_ours else []
        if not keys:
            await self.app(scope, receive, send)
            return
        if (why := _why_no_key(keys)) is not None:
            request_id = scope["state"].get("request_id")
            kind = "idempotency-key-malformed"
            refusal = problem_response(400, why, scope["path"], kind=kind, request_id=request_id)
            await refusal(scope, receive, send)
            return
        try:
            body = await _whole(receive)
            caller = scope["state"]["caller"].key_id or OPEN_CALLER
            kept = await run_in_threadpool(self.store.service.reserve_key, caller, keys[0], _fingerprint(scope, body))
        except (HTTPException, StoreError) as error:
            await respond_to(Request(scope), error)(scope, receive, send)
            return
        if isinstance(kept, SavedResponse):
            response = Response(kept.body, kept.status, {**kept.headers, REPLAYED_HEADER: "true"})
            await response(scope, receive, send)
        else:
            await self._answer(kept, body, scope, receive, send)

    async def _answer(self, reservation: Reservation, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the routes answer, and keeps the answer before it is sent."""
        scope["state"]["reserved_campaign_id"] = reservation.campaign_id
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            await self.app(scope, _given(body, receive), collect)
        except Exception:
            await self._release(reservation)
            raise
        start = messages[0]
        if start["status"] >= 500:
            await self._release(reservation)
        else:
            headers = MutableHeaders(scope=start)
            answer = SavedResponse(
                start["status"],
                {name: headers[name] for name in KEPT_HEADERS if name in headers},
                b"".join(message.get("body", b"") for message in messages[1:]),
            )
            try:
                await run_in_threadpool(self.store.service.save_response, reservation, answer)
            except StoreError as error:
                # Whatever was done is done, but sent again it would not be known: say so by failing.
                await respond_to(Request(scope), error)(scope, receive, send)
                return
        for message in messages:
            await send(message)

    async def _release(self, reservation: Reservation) -> None:
        try:
            await run_in_threadpool(self.store.service.release_key, reservation)
        except StoreError:
            return  # it ends by itself


def _why_no_key(keys: list[str]) -> str | None:
    if len(keys) > 1:
        return f"there are {len(keys)} headers {HEADER}; send one"
    key = keys[0]
    if not 1 <= len(key) <= LONGEST_KEY:
        return f"the header {HEADER} has {len(key)} characters; it must have 1 to {LONGEST_KEY}"
    if not (key.isascii() and key.isprintable()):
        return f"the header {HEADER} is {key[:80]!r}; it must be printable ASCII"
    return None


def _fingerprint(scope: Scope, body: bytes) -> str:
    """What makes a request the same one."""
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


async def _whole(receive: Receive) -> bytes:
    """The body. Raises HTTPException where it is too large."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the connection ended before the body did")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives a body which was read already, and then goes on."""
    was_given = False

    async def give() -> Message:
        nonlocal was_given
        if was_given:
            return await receive()
        was_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give
