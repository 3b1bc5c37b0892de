"""The log on standard error: lines for people, or one JSON object a line for programs that collect them.

    12:03:04 INFO    effspine: serving http://127.0.0.1:8000; files are in /data
    {"time": "2026-11-24T12:03:04.123Z", "level": "INFO", "logger": "effspine.access", "message": "GET /readyz 200",
     "request_id": "0f3c...", "method": "GET", "path": "/readyz", "status": 200, "seconds": 0.0031}

Every line that is written while a request is answered has its id, whatever wrote it. In JSON every request has an
access line of its own; for people only those that the service failed to answer. Lines name routes
(`/v1/campaigns/{campaign_id}`) and never addresses as they came, headers, cookies or keys.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s%(request)s"
ACCESS_FIELDS = ("method", "path", "status", "seconds")
QUIET = ("alembic", "httpx", "uvicorn.error", "sse_starlette")

request_id_of_context: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being answered here, if any."""

access_log = logging.getLogger("effspine.access")


def log_to_stderr(log_format: LogFormat = "text") -> None:
    """Sends the log to standard error, a line an entry."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(add_request_id)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter(TEXT, datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for noisy in QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    access_log.setLevel(logging.INFO if log_format == "json" else logging.WARNING)


def log_access(method: str, route: str, status: int, seconds: float) -> None:
    """The line of one answered request, under its route's template; `status` 0 means that it was cut off."""
    level = logging.WARNING if status >= 500 or status == 0 else logging.INFO
    fields = {"method": method, "path": route, "status": status, "seconds": round(seconds, 6)}
    access_log.log(level, "%s %s %d", method, route, status, extra=fields)


def add_request_id(record: logging.LogRecord) -> bool:
    """A filter that takes nothing away and gives each line the id of its request."""
    record.request_id = request_id_of_context.get()
    return True


class TextFormatter(logging.Formatter):
    """A line for people, with the id of the request where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the lines of a traceback."""
        request_id = getattr(record, "request_id", None)
        record.request = f" [request {request_id}]" if request_id else ""
        return super().format(record)


class JsonFormatter(logging.Formatter):
    """One JSON object, without a line break in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The object; `request_id` and the fields of an access line are there where they are known."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("request_id", *ACCESS_FIELDS):
            value = getattr(record, name, None)
            if value is not None:
                entry[name] = value
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
