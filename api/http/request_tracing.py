"""Tracing of requests: request ids, the access log, request metrics, and the response to unexpected errors."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.access_control import PUBLIC_FILES
from api.http.head_requests import IS_HEAD
from api.http.metrics import ServiceMetrics
from api.http.problem_documents import problem_response
from api.http.response_headers import add_headers
from api.logs import current_request_id, log_access

REQUEST_ID_HEADER = "X-Request-ID"
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT"})
RETRY_SECONDS = 5
"""After which a client may send a request again that a shutdown has cut off."""
OTHER_METHOD = "other"
"""Stands for all other methods, of which a client can invent any number."""

log = logging.getLogger("effspine.api")


class RequestTracing:
    """Middleware that gives each request an id, logs and counts it, and adds the headers of every response.

    A well-formed `X-Request-ID` of the request is used as its id. The id is in the response, in every log line of the
    request and in problem documents.
    """

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent_id = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
        request_id = sent_id if REQUEST_ID.fullmatch(sent_id) else uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        current_request_id.set(request_id)  # each request runs in its own context
        started = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID_HEADER] = request_id
                add_headers(headers, scope["state"], scope["path"], status)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except asyncio.CancelledError:  # the server stops; nothing else cancels a request
            if not status:
                detail = "the service is stopping; send the request again once it runs"
                retry = {"Retry-After": str(RETRY_SECONDS)}
                response = problem_response(scope, 503, detail, kind="stopping", headers=retry)
                await response(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed: %s %s", _method(scope), _route(scope))
            if status:
                raise
            detail = f"an unexpected error; the service's log has the details under request id {request_id}"
            await problem_response(scope, 500, detail)(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - started
            self.metrics.observe_request(_method(scope), _route(scope), status, seconds)
            log_access(_method(scope), _route(scope), status, seconds)


def _method(scope: Scope) -> str:
    """The request's method as a label: one of a fixed number of values."""
    method = "HEAD" if scope["state"].get(IS_HEAD) else scope["method"]
    return method if method in METHODS else OTHER_METHOD


def _route(scope: Scope) -> str:
    """The path template of the request's route; all static files share one."""
    if scope["path"].startswith(PUBLIC_FILES):
        return f"{PUBLIC_FILES}{{path}}"
    return str(getattr(scope.get("route"), "path", "unmatched"))
