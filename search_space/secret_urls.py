"""URLs without their secrets: the one place that renders a URL for people and logs."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_PARAMETER = re.compile(r"(?P<before>^|[?&;\s])(?P<name>[^?&;=\s@/]+)(?P<equals>\s?=\s?)(?P<value>'[^']*'|[^&;\s]*)")
_SECRET_NAME = re.compile("pass|pwd|secret|token|credential|api_?key", re.IGNORECASE)
_COLON = re.compile(":|%3A", re.IGNORECASE)


def displayed_url(url: str) -> str:
    """A URL whose password and secret parameters are `***`; of a URL over HTTP the whole user is.

    Everything up to the last `@` counts as user and password, since people leave an `@` or a `/` of a password
    unescaped. Text that is no URL loses the same parts.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    if not _is_file(scheme, rest):
        user_info, at, place = rest.rpartition("@")
        rest = (_masked_user(scheme, user_info) + at if at else "") + place
    return scheme + separator + _PARAMETER.sub(_masked_parameter, rest)


def without_secrets(text: str, url: str) -> str:
    """A text, such as a driver's message about `url`, without the secrets of that URL, quoted or not."""
    text = text.replace(url, displayed_url(url))
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def mask_urls(text: str) -> str:
    """A text in which every URL is a `displayed_url`."""
    return _URL.sub(lambda found: displayed_url(found[0]), text)


def _is_file(scheme: str, rest: str) -> bool:
    """Whether it is an SQLite file, whose path may contain an @."""
    return scheme.startswith("sqlite") and rest.startswith("/")


def _masked_user(scheme: str, user_info: str) -> str:
    user, *password = _COLON.split(user_info, maxsplit=1)
    if scheme in ("http", "https", "") or "@" in user or "/" in user:
        return MASK
    return f"{user}:{MASK}" if password else user


def _masked_parameter(found: re.Match[str]) -> str:
    if not _SECRET_NAME.search(unquote(found["name"])):
        return found[0]
    return f"{found['before']}{found['name']}{found['equals']}{MASK}"


def _secrets(url: str) -> set[str]:
    """The password and the secret parameters, in every form in which a message could quote them."""
    scheme, _, rest = url.rpartition("://")
    found = set()
    if not _is_file(scheme, rest):
        user_info = rest.rpartition("@")[0]
        found.update(_COLON.split(user_info, maxsplit=1)[1:])
        if scheme in ("http", "https"):
            found.add(user_info)
    found.update(
        each["value"].strip("'") for each in _PARAMETER.finditer(rest) if _SECRET_NAME.search(unquote(each["name"]))
    )
    plain = found | {unquote(secret) for secret in found} | {unquote_plus(secret) for secret in found}
    return {form for secret in plain for form in (secret, quote(secret, safe=""), quote_plus(secret)) if form}
