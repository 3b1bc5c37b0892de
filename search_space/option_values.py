"""Parses the values of command-line options: lists of numbers such as `16,24,16`, and architectures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from search_space.errors import InvalidValueError
from search_space.short_counts import parse_count

if TYPE_CHECKING:
    from search_space.architecture import Architecture


def parse_numbers(name: str, text: str) -> tuple[float, ...]:
    """The numbers in `text`, whole ones as int. Raises InvalidValueError, with the part that is not a number."""
    return tuple(_number(name, part.strip()) for part in text.split(","))


def parse_whole_numbers(name: str, text: str) -> tuple[int, ...]:
    """The whole numbers in `text`. Raises InvalidValueError, with the number that is not whole."""
    values = parse_numbers(name, text)
    for value in values:
        if not isinstance(value, int):
            raise InvalidValueError(f"{name} has {value:g}; it must be whole numbers separated by commas", field=name)
    return tuple(int(value) for value in values)


def parse_whole_count(name: str, text: str) -> int:
    """The whole number in `text`, which may be `647.5M` or `1.3 G`. Raises InvalidValueError."""
    found = parse_count(text)
    if found is None:
        try:
            found = int(text.replace(",", ""))
        except ValueError:
            raise InvalidValueError(
                f"{name} is {text!r}; it must be a whole number such as 650000000, or 650M", field=name
            ) from None
    return found


def parse_whole_numbers_by_key(name: str, text: str) -> int | dict[int, int]:
    """One whole number, or pairs such as `5=128,7=96`. Raises InvalidValueError, with the part that is neither."""
    if "=" not in text:
        return parse_whole_numbers(name, text)[0] if "," not in text else _not_pairs(name, text)
    pairs = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        try:
            pairs[int(key)] = int(value)
        except ValueError:
            _not_pairs(name, part)
    return pairs


def _not_pairs(name: str, part: str) -> NoReturn:
    raise InvalidValueError(
        f"{name} has {part!r}; it must be one whole number, or pairs such as 5=128,7=96", field=name
    )


def architecture_from_options(widths: str | None, specification: Path | None, **changes: Any) -> Architecture:
    """The architecture of a command line: from 18 widths at the scale of D0, or from a block specification.

    `changes` replace fields unless they are None. Raises InvalidValueError unless exactly one of the two is given.
    """
    from search_space.architecture import Architecture
    from search_space.document import load_block_specification

    if widths is not None and specification is not None:
        raise InvalidValueError("--widths and --architecture are both given; give one of them", field="widths")
    if widths is None and specification is None:
        raise InvalidValueError("neither --widths nor --architecture is given; give one of them", field="widths")
    if specification is not None:
        architecture = load_block_specification(specification).architecture
    else:
        architecture = Architecture(parse_whole_numbers("widths", widths or ""))
    return replace(architecture, **{name: value for name, value in changes.items() if value is not None})


def _number(name: str, part: str) -> float:
    for kind in (int, float):
        try:
            return kind(part)
        except ValueError:
            continue
    raise InvalidValueError(f"{name} has {part!r}; it must be numbers separated by commas", field=name)
