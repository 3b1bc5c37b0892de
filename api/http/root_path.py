"""A service under a path prefix (EFFSPINE_ROOT_PATH), behind a proxy that passes the prefix on or removes it.

All other code sees paths without the prefix, so that scopes, limits and metrics of a route do not depend on it. Pages
write their links with `root`, which every template has; the headers of responses are completed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from search_space.errors import InvalidValueError


def require_distinct(root_path: str, routes: Iterable[BaseRoute]) -> None:
    """Raises InvalidValueError if a path of the service itself begins like the prefix.

    Such a path could not be told from one whose prefix a proxy has left in place.
    """
    own = {str(getattr(route, "path", "/")).split("/")[1] for route in routes} - {""}
    first = root_path.split("/")[1] if root_path else ""
    if first in own:
        raise InvalidValueError(
            f"EFFSPINE_ROOT_PATH is {root_path!r}; paths of the service itself begin with /{first}, "
            "so the prefix must begin otherwise, such as /effspine",
            field="root_path",
        )


def without_root(path: str, root_path: str) -> str:
    """A path without the prefix, if it begins with it at the boundary of a segment."""
    if root_path and (path == root_path or path.startswith(f"{root_path}/")):
        return path[len(root_path) :] or "/"
    return path


class RootPath:
    """The outermost middleware: removes the prefix from the request's path and adds it to `Location`."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self.app = app
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.root_path:
            await self.app(scope, receive, send)
            return
        path = without_root(scope["path"], self.root_path)
        if path != scope["path"]:
            scope = {**scope, "path": path, "raw_path": quote(path).encode("ascii")}
        host = Headers(scope=scope).get("host", "")

        async def send_with_root(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    headers["location"] = self._with_root(headers["location"], host)
            await send(message)

        await self.app(scope, receive, send_with_root)

    def _with_root(self, location: str, host: str) -> str:
        """A location of this service with the prefix; those of others as they are."""
        parts = urlsplit(location)
        if parts.netloc not in ("", host) or not parts.path.startswith("/"):
            return location
        return parts._replace(path=self.root_path + parts.path).geturl()
