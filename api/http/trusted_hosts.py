"""Host and Origin checks: rejects requests under other host names and from pages of other sites."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problem_documents import problem_response
from api.loopback import is_loopback


def without_port(host_header: str) -> str:
    """The host of a Host header: `127.0.0.1:8000` as `127.0.0.1`, `[::1]:8000` as `::1`."""
    if host_header.startswith("["):
        return host_header[1:].partition("]")[0]
    return host_header.partition(":")[0]


class TrustedHosts:
    """Middleware that rejects a request whose Host is not this service, or whose Origin is another site.

    A page of another site can point its own name at 127.0.0.1 (DNS rebinding) or post to it. Its requests carry that
    name in the Host or Origin header.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()) -> None:
        self.app = app
        self.hosts = frozenset(name.lower() for name in hosts)  # in addition to the loopback names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        origin = headers.get("origin")
        name = without_port(host).lower()
        if not is_loopback(name) and name not in self.hosts:
            detail = (
                f"the Host header is {host[:200]!r}; this service responds as 127.0.0.1 or localhost "
                "and by the names of EFFSPINE_HOST and EFFSPINE_ALLOWED_HOSTS"
            )
            await problem_response(scope, 400, detail, kind="unknown-host")(scope, receive, send)
        elif origin is not None and origin.partition("://")[2] != host:
            detail = f"requests from pages of {origin[:200]!r} are rejected"
            await problem_response(scope, 403, detail, kind="foreign-origin")(scope, receive, send)
        else:
            await self.app(scope, receive, send)
