"""Logging to standard error: readable text, or one JSON object per line for log collectors.

    12:03:04 INFO    effspine: serving http://127.0.0.1:8000; files are in /data
    {"time": "2026-11-24T12:03:04.123Z", "level": "INFO", "logger": "effspine.access", "message": "GET /readyz 200",
     "request_id": "0f3c...", "method": "GET", "path": "/readyz", "status": 200, "seconds": 0.0031}

Every line that is logged during a request has the request's id. The JSON log has an access line for every request, the
text log only for failed ones. Lines name a route's template (`/v1/campaigns/{campaign_id}`), never the requested URL,
headers, cookies or keys. URLs in messages have no passwords, and control characters are escaped.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from search_space.display import displayed, json_text
from search_space.secret_urls import mask_urls

LogFormat = Literal["text", "json"]

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s%(request)s"
ACCESS_FIELDS = ("method", "path", "status", "seconds")
QUIET = ("alembic", "httpx", "uvicorn.error", "sse_starlette")

current_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this context handles; None outside of requests."""

access_log = logging.getLogger("effspine.access")


def log_to_stderr(log_format: LogFormat = "text") -> None:
    """Sends the log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(add_request_id)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter(TEXT, datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    access_log.setLevel(logging.INFO if log_format == "json" else logging.WARNING)


def log_access(method: str, route: str, status: int, seconds: float) -> None:
    """Logs one request under its route's template; status 0 is a request that was cut off."""
    level = logging.WARNING if status >= 500 or status == 0 else logging.INFO
    fields = {"method": method, "path": route, "status": status, "seconds": round(seconds, 6)}
    access_log.log(level, "%s %s %d", method, route, status, extra=fields)


def add_request_id(record: logging.LogRecord) -> bool:
    """A logging filter that drops nothing and adds the request's id to each log line."""
    record.request_id = current_request_id.get()
    return True


class TextFormatter(logging.Formatter):
    """A line of text, with the request's id if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, followed by the traceback of an exception."""
        request_id = getattr(record, "request_id", None)
        record.request = f" [request {request_id}]" if request_id else ""
        return displayed(mask_urls(super().format(record)))


class JsonFormatter(logging.Formatter):
    """One JSON object without line breaks."""

    def format(self, record: logging.LogRecord) -> str:
        """The object; `request_id` and the fields of an access line are present if they are known."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": mask_urls(record.getMessage()),
        }
        for name in ("request_id", *ACCESS_FIELDS):
            value = getattr(record, name, None)
            if value is not None:
                entry[name] = value
        if record.exc_info:
            entry["exception"] = mask_urls(self.formatException(record.exc_info))
        return json_text(entry, indent=None)
