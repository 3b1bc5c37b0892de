"""HEAD wherever GET is allowed: the same status and headers, without the body (RFC 9110, section 9.3.2)."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

IS_HEAD = "is_head"
"""Key of the request's state: whether only the headers are wanted, so that a route need not produce a stream, and the
log and the metrics name HEAD."""


class HeadRequests:
    """Middleware that has everything within respond to HEAD as to GET, and drops the body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        state: dict[str, Any] = scope.setdefault("state", {})
        state[IS_HEAD] = is_head
        if not is_head:
            await self.app(scope, receive, send)
            return

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, send_without_body)
        finally:
            scope["method"] = "HEAD"
