"""Where commands find the service, from the environment: its URL and the API key that they send."""

from __future__ import annotations

import os
import re

import httpx

from api.loopback import DEFAULT_HOST, DEFAULT_PORT
from search_space.errors import EffspineError
from search_space.secret_urls import displayed_url, without_secrets

DEFAULT_URL = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
URL_VARIABLE = "EFFSPINE_URL"
KEY_VARIABLE = "EFFSPINE_API_KEY"
MAX_SHOWN_LENGTH = 100
MAX_HOST_LENGTH = 253
_HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")


def service_url(given: str | None = None) -> str:
    """The URL of the service, without a slash at its end: `given`, EFFSPINE_URL, or the default.

    It may name a user and a password, so only `displayed_url` of it is fit for people. Raises EffspineError, without
    these, if it is no URL of a service.
    """
    name = "url" if given else URL_VARIABLE
    url = given or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    if not url.startswith(("http://", "https://")):
        raise _no_url(name, url, "it must start with http:// or https://")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _no_url(name, url, without_secrets(str(error), url)) from None
    host = parsed.raw_host.decode("ascii")
    if not host:
        raise _no_url(name, url, "it has no host")
    if len(host) > MAX_HOST_LENGTH or not (_HOST.fullmatch(host) or ":" in host):  # of an IPv6 address httpx sees to it
        raise _no_url(name, url, "its host is no host name")
    if parsed.port is not None and not 0 < parsed.port < 65_536:
        raise _no_url(name, url, f"its port is {parsed.port}; it must be 1 to 65,535")
    return url.rstrip("/")


def key_header() -> dict[str, str]:
    """The Authorization header with the key of EFFSPINE_API_KEY; empty if there is none.

    Raises EffspineError, without the value, if it cannot be a key.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        return {}
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise EffspineError(f"{KEY_VARIABLE} is not an API key; keys begin with effspine_")
    return {"Authorization": f"Bearer {key}"}


def _no_url(name: str, url: str, reason: str) -> EffspineError:
    shown = displayed_url(url)
    shown = shown if len(shown) <= MAX_SHOWN_LENGTH else f"{shown[:MAX_SHOWN_LENGTH]}..."
    return EffspineError(f"{name} is {shown!r}: {reason}")
