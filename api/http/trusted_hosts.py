"""The service answers only when it is called by a name that it has: this machine's own, or one that was configured."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import problem_response
from api.loopback import is_loopback


def without_port(host_header: str) -> str:
    """The host of a Host header: `127.0.0.1:8000` as `127.0.0.1`, `[::1]:8000` as `::1`."""
    if host_header.startswith("["):
        return host_header[1:].partition("]")[0]
    return host_header.partition(":")[0]


class KnownHosts:
    """Middleware that refuses a request whose Host is not this service, or whose Origin is another site.

    A page of another site can point its own name at 127.0.0.1 (DNS rebinding) or post to it; its requests carry
    that name in the Host or Origin header, and are refused here.
    """

    def __init__(self, app: ASGIApp, also: tuple[str, ...] = ()) -> None:
        self.app = app
        self.also = frozenset(name.lower() for name in also)  # names beside the loopback ones

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        request_id = scope.get("state", {}).get("request_id")
        name = without_port(host).lower()
        if not is_loopback(name) and name not in self.also:
            detail = (
                f"the Host header names {host[:200] or 'nobody'!r}; this service answers as 127.0.0.1 or localhost "
                "and by the names of EFFSPINE_HOST and EFFSPINE_ALLOWED_HOSTS"
            )
            refusal = problem_response(400, detail, scope["path"], kind="unknown-host", request_id=request_id)
            await refusal(scope, receive, send)
        elif origin is not None and origin.partition("://")[2] != host:
            detail = f"requests from pages of {origin[:200]!r} are not answered"
            refusal = problem_response(403, detail, scope["path"], kind="foreign-origin", request_id=request_id)
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, send)
