"""The dashboard's session cookie and the redirect to its login page.

The cookie holds only a random token. It is HttpOnly (no script reads it), SameSite=Strict (browsers do not send it with
cross-site requests), and Secure if the login came over https. The session is in the database, so a logout ends it, as
does revoking or rotating the key.
"""

from __future__ import annotations

import re
from typing import Literal, TypedDict
from urllib.parse import urlencode

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from api.http.authentication import COOKIE
from api.http.root_path import without_root
from api.http.routes import dashboard

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="effspine"'}
START_PAGE = "/"
_PAGE_PATHS = ("/docs", *(route.path for route in dashboard.router.routes if isinstance(route, APIRoute)))
_PARAMETER = re.compile(r"\\\{\w+\\\}")
_PAGES = re.compile("|".join(_PARAMETER.sub("[a-z0-9_-]{1,64}", re.escape(path)) for path in _PAGE_PATHS))
_QUERY = re.compile(r"[A-Za-z0-9_.,:=&%+~*-]{0,1000}")


def safe_next_page(requested: str | None, root_path: str = "") -> str:
    """The page to show after the login, without the path prefix of the service.

    That is `requested`, which may begin with the prefix, if it is a page of this service; else the start page.
    """
    page = without_root(requested or START_PAGE, root_path)
    path, _, query = page.partition("?")
    return page if _PAGES.fullmatch(path) and _QUERY.fullmatch(query) else START_PAGE


def login_redirect(scope: Scope) -> Response | None:
    """A redirect to the login page if a browser requests a page; None for any other request."""
    if scope["method"] != "GET" or _PAGES.fullmatch(scope["path"]) is None:
        return None
    if "text/html" not in Headers(scope=scope).get("accept", ""):
        return None
    asked = scope["query_string"].decode("latin-1")
    page = f"{scope['path']}?{asked}" if asked else scope["path"]
    query = "" if page == START_PAGE else "?" + urlencode({"next": page})
    return RedirectResponse(f"/login{query}", 303, headers={"Vary": "Accept, Cookie"})


def set_session_cookie(response: Response, request: Request, token: str, seconds: int) -> None:
    """Stores the token in the browser."""
    response.set_cookie(COOKIE, token, max_age=seconds, **_cookie_attributes(request))


def delete_session_cookie(response: Response, request: Request) -> None:
    """Removes the token from the browser."""
    response.delete_cookie(COOKIE, **_cookie_attributes(request))


class _CookieAttributes(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["strict"]


def _cookie_attributes(request: Request) -> _CookieAttributes:
    """Who gets the cookie: the pages of this service, under its path prefix, and neither scripts nor other sites."""
    path: str = request.app.state.settings.root_path or "/"
    return {"path": path, "secure": request.url.scheme == "https", "httponly": True, "samesite": "strict"}
