"""The addresses that webhooks may have."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from search_space.errors import InvalidValueError
from search_space.secret_urls import displayed_url

MAX_URL_LENGTH = 2_000


def checked_url(url: str, hosts: Sequence[str] = ()) -> str:
    """The address, if it is one of HTTP or HTTPS on one of the `hosts`, if there are any.

    Raises InvalidValueError (field `url`).
    """
    shown = displayed_url(url)[:200]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _invalid(shown, f"it is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise _invalid(shown, "it must begin with https:// or http:// and name a host")
    if len(url) > MAX_URL_LENGTH or not (url.isascii() and url.isprintable()) or " " in url:
        raise _invalid(shown, f"it must be at most {MAX_URL_LENGTH:,} ASCII characters, percent-encoded")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _invalid(shown, "it must have no user, password or fragment; receivers check the signature instead")
    if hosts and not is_listed(host, hosts):
        raise _invalid(shown, f"EFFSPINE_WEBHOOK_HOSTS allows only {', '.join(hosts)}")
    return url


def is_listed(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is one of these names, of which `*.example.org` stands for all names below example.org."""
    name = host.lower().rstrip(".")
    return any(name == each or (each.startswith("*.") and name.endswith(each[1:])) for each in map(str.lower, hosts))


def _invalid(shown: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"url is {shown!r}; {reason}", field="url")
