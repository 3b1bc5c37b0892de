"""Limits that keep one caller from taking the service from all others: the size of a body, and the rate of requests."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

MOST_CALLERS = 10_000


class RateLimit:
    """A token bucket for each caller: `burst` requests at once, `per_second` in the long run; 0 is no limit.

    Buckets are in memory, one set for each process. Those of the callers that were away longest go first; a bucket
    that went and comes back is full, which is what it would have become in the meantime unless there are thousands.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = float(max(1, burst))
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> float:
        """Takes a token: 0 where there was one, else the seconds until there will be."""
        return self._look(caller, 1.0)

    def wait(self, caller: str) -> float:
        """What `take` would say; takes nothing."""
        return self._look(caller, 0.0)

    def _look(self, caller: str, cost: float) -> float:
        if self._per_second <= 0:
            return 0.0
        now = self._clock()
        with self._lock:
            tokens, then = self._buckets.get(caller, (self._burst, now))
            tokens = min(self._burst, tokens + (now - then) * self._per_second)
            allowed = tokens >= 1.0
            self._buckets[caller] = (tokens - cost if allowed else tokens, now)
            self._buckets.move_to_end(caller)
            while len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._per_second


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says when to ask again, in whole seconds."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def address_of(scope: Scope) -> str:
    """The network address that a request counts for; of IPv6 the /64, which one machine has to itself."""
    client = scope.get("client")
    host = str(client[0]) if client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host


def limited(receive: Receive, most_bytes: int) -> Receive:
    """`receive`, but a body beyond the limit ends in HTTPException 413, whatever its headers claim."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > most_bytes:
                raise HTTPException(413, too_large(most_bytes), headers={"Connection": "close"})
        return message

    return counted


def too_large(most_bytes: int) -> str:
    """What a caller with a body beyond the limit is told."""
    return f"the body is larger than {most_bytes:,} bytes, the most that this service takes (EFFSPINE_BODY_LIMIT_BYTES)"
