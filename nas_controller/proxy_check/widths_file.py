"""Reads the architectures of a check from a file with one on each line: 18 widths and, if it has one, its name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from search_space.architecture import Architecture
from search_space.errors import InvalidValueError
from search_space.option_values import parse_whole_numbers
from search_space.regular_file import read_regular
from search_space.space import Widths


class ListedArchitecture(NamedTuple):
    """The widths of the 18 blocks, and a name for tables."""

    widths: Widths
    name: str | None = None


def read_widths(path: Path) -> tuple[ListedArchitecture, ...]:
    """The architectures in a file, in its order. A line is `16,24,... name`, the name may be left out; empty lines and
    what follows a `#` are ignored.

    Raises InvalidValueError for a file that cannot be read and, with the line number, for a wrong line and for widths
    that an earlier line has.
    """
    try:
        lines = read_regular(path).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidValueError(f"the widths in {path} cannot be read: {reason}", field="widths") from error
    found: dict[Widths, str | None] = {}
    for number, line in enumerate(lines, start=1):
        if not (text := line.partition("#")[0].strip()):
            continue
        try:
            widths, name = _parsed(text)
            if widths in found:
                raise InvalidValueError("an earlier line has the same widths")
        except InvalidValueError as error:
            raise InvalidValueError(f"{path}, line {number}: {error}", field="widths") from error
        found[widths] = name
    return tuple(ListedArchitecture(widths, name) for widths, name in found.items())


def _parsed(text: str) -> ListedArchitecture:
    numbers, *name = text.split(maxsplit=1)
    return ListedArchitecture(Architecture(parse_whole_numbers("widths", numbers)).widths, *name)
