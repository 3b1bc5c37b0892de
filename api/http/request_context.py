"""What surrounds every request: an id, the security headers, the counters, and the last net under errors."""

from __future__ import annotations

import logging
import re
import time
import uuid
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.metrics import ServiceMetrics
from api.http.problems import problem_response
from api.logs import log_access, request_id_of_context

REQUEST_ID_HEADER = "X-Request-ID"
TAGS = "tags"
"""What a route has said of its answer's version: headers, in the request's state (`api.http.conditional_get`)."""
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not "no-referrer": with that, browsers send `Origin: null` with the forms of our own pages.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

# Answers depend on who asks, so nobody may keep them, but for the files that are the same for all. Polls say otherwise:
# `api/http/conditional_get.py`.
NOT_KEPT = "no-store"
KEPT_IF_UNCHANGED = "no-cache"
PUBLIC_FILES = "/static/"

log = logging.getLogger("effspine.api")


class RequestContext:
    """Middleware that gives each request an id and answers an unexpected error with a problem document.

    The id of the request header `X-Request-ID` is kept where it is a plain word; it returns in the response and
    stands in the log line of an error.
    """

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        request_id_of_context.set(request_id)  # every request has a context of its own
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if status < HTTPStatus.BAD_REQUEST:
                    headers.update(scope["state"].get(TAGS, {}))
                is_file = scope["path"].startswith(PUBLIC_FILES) and status < HTTPStatus.BAD_REQUEST
                headers.setdefault("Cache-Control", KEPT_IF_UNCHANGED if is_file else NOT_KEPT)
                if headers.get("Content-Encoding") and headers.get("ETag", "W/").startswith('"'):
                    headers["ETag"] = f"W/{headers['ETag']}"  # the same file, but not the same bytes
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed: %s %s", scope["method"], _route(scope))
            if status:
                raise
            detail = f"the service failed to answer; its log tells more under request id {request_id}"
            response = problem_response(500, detail, scope["path"], request_id=request_id)
            await response(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            self.metrics.observe_request(scope["method"], _route(scope), status, seconds)
            log_access(scope["method"], _route(scope), status, seconds)


def _route(scope: Scope) -> str:
    """The template of the request's route; files are one."""
    if scope["path"].startswith(PUBLIC_FILES):
        return f"{PUBLIC_FILES}{{path}}"
    return str(getattr(scope.get("route"), "path", "unmatched"))
