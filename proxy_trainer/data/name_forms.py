"""The paths that a listed file name may mean: names of other systems, URLs, quoted names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from search_space.display import displayed

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^/\\]*")
_DRIVE = re.compile(r"[A-Za-z]:(?=[/\\])")
_LONGEST_PART = 200


class NameForm(NamedTuple):
    """One reading of a listed name: its parts, outermost directory first, and the kinds of findings that it needs."""

    parts: tuple[str, ...]
    kinds: frozenset[str]


def name_forms(listed: str) -> Iterator[NameForm]:
    """All readings of a listed name, the plainest first; each at most once.

    Both separators separate, `.` and `..` are resolved without leaving the directory, and a URL's scheme, host and
    query, a drive and a leading separator are dropped. Then without spaces around it, and percent-decoded.
    """
    seen = set()
    for text, kinds in _texts(listed):
        form = NameForm(*_parts(text, kinds))
        if form.parts and form.parts not in seen:
            seen.add(form.parts)
            yield form


def _texts(listed: str) -> Iterator[tuple[str, frozenset[str]]]:
    kinds = frozenset({"name-from-url"}) if _SCHEME.match(listed) else frozenset()
    if not kinds:
        yield listed, kinds
    without_query, _, query = listed.partition("?")
    # Label Studio's local files: /data/local-files/?d=folder/a.jpg
    texts = [*parse_qs(query).get("d", []), without_query.partition("#")[0] if kinds else without_query]
    for text in texts:
        of_query = kinds if text == listed else kinds | {"name-from-url"}
        yield text, of_query
        if text.strip() != text:
            yield text.strip(), of_query | {"name-with-spaces"}
        once = unquote(text.strip(), errors="surrogateescape")
        yield once, of_query | {"name-unquoted"}
        yield unquote(once, errors="surrogateescape"), of_query | {"name-unquoted"}


def _parts(text: str, kinds: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    text = _DRIVE.sub("", _SCHEME.sub("", text, count=1), count=1)
    parts: list[str] = []
    for part in text.replace("\\", "/").split("/"):
        if part == "..":
            if parts:
                parts.pop()
            else:
                kinds |= {"name-last-part"}
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts), kinds


def safe_name(listed: str) -> str:
    """A path below the images directory for a name that was not found: it cannot leave it and can be asked for."""
    form = next(name_forms(listed), None)
    parts = ("unnamed",) if form is None else form.parts
    return "/".join(_shortened(displayed(part.replace("\0", "\\0"))) for part in parts)


def _shortened(part: str) -> str:
    return (
        part if len(part.encode()) <= _LONGEST_PART else part.encode()[:_LONGEST_PART].decode(errors="ignore") + "..."
    )
