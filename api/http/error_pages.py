"""Error pages for browsers: what a problem document says, in the look of the dashboard, with a way back."""

from __future__ import annotations

import gzip
import json
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problem_documents import MEDIA_TYPE
from api.http.routes.dashboard import templates


class ErrorPages:
    """Middleware that replaces a problem document by a page, where the request is that of a browser for a page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_problem(Headers(raw=message["headers"])):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                page = _page(Request(scope), start, body)
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, send_page)


def wants_page(headers: Headers) -> bool:
    """Whether the client accepts HTML and does not name JSON, as browsers do that open an address."""
    accepted = headers.get("accept", "")
    return "text/html" in accepted and "json" not in accepted


def _is_problem(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith(MEDIA_TYPE)


def _page(request: Request, start: Message, body: bytes) -> bytes:
    """The page of a problem document, and in `start` the headers of the page."""
    headers = MutableHeaders(raw=start["headers"])
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
        del headers["content-encoding"]
    problem = json.loads(body)
    context = {"problem": problem, "is_login_needed": problem["status"] == HTTPStatus.UNAUTHORIZED}
    response = templates.TemplateResponse(request, "error.html", context)
    page = bytes(response.body)
    headers["content-type"], headers["content-length"] = response.headers["content-type"], str(len(page))
    headers.add_vary_header("Accept")
    start["headers"] = headers.raw
    return page
