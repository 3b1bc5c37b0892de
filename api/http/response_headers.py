"""Headers of every response: security policy and caching.

A 304 has no Content-Security-Policy: a browser replaces the headers of its stored response by those of the 304 (RFC
9111, section 3.2), and the report has a policy of its own.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.datastructures import MutableHeaders

from api.http.access_control import PUBLIC_FILES

_POLICY = "Content-Security-Policy"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    _POLICY: CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not "no-referrer": with that, browsers send `Origin: null` with the forms of our own pages.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NO_STORE = "no-store"  # a response depends on its caller
REVALIDATE = "no-cache"  # static files are the same for every caller
VALIDATORS = "validators"
"""Key of the request's state: ETag and cache headers that a conditional GET has set (`api.http.conditional_get`)."""


def add_headers(headers: MutableHeaders, state: dict[str, Any], path: str, status: int) -> None:
    """Adds the security headers, and cache headers if the route has set none; to a 304 no Content-Security-Policy."""
    for name, value in SECURITY_HEADERS.items():
        if name != _POLICY or status != HTTPStatus.NOT_MODIFIED:
            headers.setdefault(name, value)
    if status < HTTPStatus.BAD_REQUEST:
        headers.update(state.get(VALIDATORS, {}))
    is_file = path.startswith(PUBLIC_FILES) and status < HTTPStatus.BAD_REQUEST
    headers.setdefault("Cache-Control", REVALIDATE if is_file else NO_STORE)
    if headers.get("Content-Encoding") and headers.get("ETag", "W/").startswith('"'):
        headers["ETag"] = f"W/{headers['ETag']}"  # the same file, but not the same bytes
