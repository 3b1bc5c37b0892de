"""Limits on the size of a body and on the rate of requests, so that no caller blocks all others."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

MAX_CALLERS = 10_000


class RateLimit:
    """A token bucket per caller: `burst` requests at once, `per_second` in the long run; 0 disables the limit.

    Buckets are in the memory of this process. With more than MAX_CALLERS, the least recently used are dropped. A caller
    whose bucket was dropped gets a full one, which it would have by then unless thousands call at once.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = float(max(1, burst))
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> float:
        """Takes a token. Returns 0 if there was one, else the seconds until the next."""
        return self._spend(caller, 1.0)

    def wait(self, caller: str) -> float:
        """What `take` would return, without taking a token."""
        return self._spend(caller, 0.0)

    def _spend(self, caller: str, cost: float) -> float:
        if self._per_second <= 0:
            return 0.0
        now = self._clock()
        with self._lock:
            tokens, updated_at = self._buckets.get(caller, (self._burst, now))
            tokens = min(self._burst, tokens + (now - updated_at) * self._per_second)
            allowed = tokens >= 1.0
            self._buckets[caller] = (tokens - cost if allowed else tokens, now)
            self._buckets.move_to_end(caller)
            while len(self._buckets) > MAX_CALLERS:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._per_second


def retry_after(seconds: float) -> dict[str, str]:
    """The Retry-After header, in whole seconds."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def client_address(scope: Scope) -> str:
    """The network address that a request counts for; for IPv6 the /64, which usually belongs to one machine.

    A socket that listens on `::` has IPv4 clients as `::ffff:192.0.2.1`; they count by their IPv4 address.
    """
    client = scope.get("client")
    host = str(client[0]) if client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def with_body_limit(receive: Receive, max_bytes: int) -> Receive:
    """`receive` with a limit: a larger body raises HTTPException 413, whatever its Content-Length says."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > max_bytes:
                raise HTTPException(413, too_large(max_bytes), headers={"Connection": "close"})
        return message

    return limited


def too_large(max_bytes: int) -> str:
    """The message for a body above the limit."""
    return f"the body is larger than the limit of {max_bytes:,} bytes (EFFSPINE_BODY_LIMIT_BYTES)"
