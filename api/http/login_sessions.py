"""The dashboard's login: a key once, then a cookie that holds nothing but a random token.

The cookie is HttpOnly (no script reads it), SameSite=Strict (no other site makes a browser send it), and Secure where
the login came over https. What it stands for is in the store, so logging out, revoking or rotating the key ends it.
"""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from api.http.authentication import COOKIE

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="effspine"'}
START_PAGE = "/"
_PAGES = re.compile(r"/|/docs|/campaigns/[a-z0-9_]{1,64}")


def page_of(wanted: str | None) -> str:
    """Where to go after the login: a page of this service, whatever a request names."""
    return wanted if wanted is not None and _PAGES.fullmatch(wanted) else START_PAGE


def to_login(scope: Scope) -> Response | None:
    """The login page for a browser that wants to show a page; None for anybody else."""
    if scope["method"] != "GET" or _PAGES.fullmatch(scope["path"]) is None:
        return None
    if "text/html" not in Headers(scope=scope).get("accept", ""):
        return None
    query = "" if scope["path"] == START_PAGE else "?" + urlencode({"next": scope["path"]})
    return RedirectResponse(f"/login{query}", 303, headers={"Vary": "Accept, Cookie"})


def set_cookie(response: Response, request: Request, token: str, seconds: int) -> None:
    """Gives the browser its token."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict")


def drop_cookie(response: Response, request: Request) -> None:
    """Takes it back."""
    secure = request.url.scheme == "https"
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
