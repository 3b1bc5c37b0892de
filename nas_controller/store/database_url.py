"""URLs of databases: which ones are accepted, and the URL of an SQLite file."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from search_space.errors import InvalidValueError
from search_space.secret_urls import displayed_url

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
"""The accepted schemes, and the driver that each means."""
_FORMS = "sqlite:////PATH or postgresql://USER:PASSWORD@HOST:PORT/NAME"
_ESCAPES = "in a user or password write % as %25, @ as %40, : as %3A and / as %2F"
_MEMORY = ":memory:"


def sqlite_url(path: Path) -> str:
    """The database URL of an SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string(hide_password=False)


def parsed_url(url: str) -> URL:
    """The parts of a database URL, with its driver. Raises InvalidValueError, without the password, for any other."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # their messages may quote the password
        raise _refused(url, f"it must be {_FORMS}; {_ESCAPES}") from None
    if parsed.drivername not in _DRIVERS:
        raise _refused(url, f"it must be sqlite or postgresql, without another driver: {_FORMS}")
    parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite":
        if parsed.host or parsed.username or parsed.port:
            raise _refused(url, "an absolute path has four slashes, sqlite:////PATH")
        if "?" in url and not is_in_memory(parsed):
            raise _refused(url, "SQLite takes no parameters; write a ? of the path as %3F")
    elif any("@" in (part or "") for part in (parsed.host, url.partition("?")[0].partition("@")[2])):
        raise _refused(url, f"it has more than one @; {_ESCAPES}")
    return parsed


def is_in_memory(parsed: URL) -> bool:
    """Whether it is an SQLite database that ends with its process, and that other processes cannot open."""
    if parsed.get_backend_name() != "sqlite":
        return False
    name = parsed.database or _MEMORY
    return name in (_MEMORY, f"file:{_MEMORY}") or parsed.query.get("mode") == "memory"


def require_file(url: str) -> None:
    """Raises InvalidValueError for a database in memory."""
    if is_in_memory(parsed_url(url)):
        raise _refused(url, "a database in memory is lost with its process and no runner can open it; give a file")


def _refused(url: str, reason: str) -> InvalidValueError:
    return InvalidValueError(f"the database URL is '{displayed_url(url)}'; {reason}", field="database_url")
