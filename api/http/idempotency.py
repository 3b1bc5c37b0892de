"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a repeated POST is not executed again; it gets the
first response.

The middleware runs after access control, so that a key belongs to its caller, and before the routes, so that it covers
every POST of the API.
"""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.error_handlers import handle_error
from api.http.problem_documents import problem_response
from nas_controller.store import Store, StoreError
from nas_controller.store.idempotency_keys import Reservation, SavedResponse

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"
MAX_KEY_LENGTH = 255
PREFIX = "/v1/"
WITH_DRY_RUN = "/v1/campaigns"
"""The path whose POST with `dry_run=true` executes nothing, so that keys do not count there."""
STORED_HEADERS = ("content-type", "location")
NO_KEY_CALLER = "open"
"""The caller's id while the service has no keys."""
PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text that is new for every request, such as a UUID. The same request with the same key is "
    f"executed once and its response repeated, with `{REPLAYED_HEADER}: true`, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
    "example": "5f0c9d2e-6d3a-4f43-9f0b-2d1f6a8f3b7c",
}


class Idempotency:
    """Middleware that executes a POST once per key and repeats its response.

    Routes find the id for a campaign that they create in `request.state.reserved_campaign_id`. Responses with status
    5xx are not stored, so that the request can be sent again.
    """

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self.app = app
        self.store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_covered = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(PREFIX)
        keys = Headers(scope=scope).getlist(HEADER) if is_covered and not _is_dry_run(scope) else []
        if not keys:
            await self.app(scope, receive, send)
            return
        if (error_message := _key_error(keys)) is not None:
            await problem_response(scope, 400, error_message, kind="idempotency-key-malformed")(scope, receive, send)
            return
        try:
            body = await _read_body(receive)
            caller = scope["state"]["caller"].key_id or NO_KEY_CALLER
            reserved = await run_in_threadpool(
                self.store.service.reserve_key, caller, keys[0], _fingerprint(scope, body)
            )
        except (HTTPException, StoreError) as error:
            await handle_error(Request(scope), error)(scope, receive, send)
            return
        if isinstance(reserved, SavedResponse):
            response = Response(reserved.body, reserved.status, {**reserved.headers, REPLAYED_HEADER: "true"})
            await response(scope, receive, send)
        else:
            await self._execute(reserved, body, scope, receive, send)

    async def _execute(self, reservation: Reservation, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets the routes respond, and stores the response before it is sent."""
        scope["state"]["reserved_campaign_id"] = reservation.campaign_id
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            await self.app(scope, _with_body(body, receive), collect)
        except Exception:
            await self._release(reservation)
            raise
        start = messages[0]
        if start["status"] >= 500:
            await self._release(reservation)
        else:
            headers = MutableHeaders(scope=start)
            response = SavedResponse(
                start["status"],
                {name: headers[name] for name in STORED_HEADERS if name in headers},
                b"".join(message.get("body", b"") for message in messages[1:]),
            )
            try:
                await run_in_threadpool(self.store.service.save_response, reservation, response)
            except StoreError as error:
                # The request was executed, but a repeated one would not be recognised: the client must see a failure.
                await handle_error(Request(scope), error)(scope, receive, send)
                return
        for message in messages:
            await send(message)

    async def _release(self, reservation: Reservation) -> None:
        try:
            await run_in_threadpool(self.store.service.release_key, reservation)
        except StoreError:
            return  # the reservation expires


_FLAG = TypeAdapter(bool)


def _is_dry_run(scope: Scope) -> bool:
    """Whether the request asks for a dry run, with the words for true that the route reads."""
    value = QueryParams(scope["query_string"]).get("dry_run") if scope["path"] == WITH_DRY_RUN else None
    try:
        return value is not None and _FLAG.validate_python(value)
    except ValidationError:
        return False


def _key_error(keys: list[str]) -> str | None:
    if len(keys) > 1:
        return f"there are {len(keys)} headers {HEADER}; send one"
    key = keys[0]
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        return f"the header {HEADER} has {len(key)} characters; it must have 1 to {MAX_KEY_LENGTH}"
    if not (key.isascii() and key.isprintable()):
        return f"the header {HEADER} is {key[:80]!r}; it must be printable ASCII"
    return None


def _fingerprint(scope: Scope, body: bytes) -> str:
    """A digest of the parts that must be equal in a repeated request."""
    digest = hashlib.sha256()
    for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


async def _read_body(receive: Receive) -> bytes:
    """The whole body. Raises HTTPException if it is too large or cut off."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the connection ended before the body was complete")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """A `receive` that returns a body which was read before, and then continues."""
    was_returned = False

    async def replay() -> Message:
        nonlocal was_returned
        if was_returned:
            return await receive()
        was_returned = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
