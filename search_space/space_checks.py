"""Checks of the arguments of a search space; their errors name the argument and what it must be."""

from __future__ import annotations

from collections.abc import Sequence

from search_space.errors import InvalidValueError
from search_space.topology import BLOCKS, NUM_BLOCKS

ALL_BLOCKS = tuple(block.number for block in BLOCKS)
MAX_CHOICES = 64
MAX_CHOICE = 1e6


def wrong(name: str, value: object, wanted: str, *, what: str = "is") -> InvalidValueError:
    """The error of an argument that must be `wanted`."""
    return InvalidValueError(f"{name} {what} {value!r}; it must be {wanted}", field=f"search_space.{name}")


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raises InvalidValueError for what is no whole number from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(name, value, f"a whole number from {low:,} to {high:,}")


def checked_choices(choices: Sequence[float]) -> tuple[float, ...]:
    """The multipliers, whole ones as int. Raises InvalidValueError unless they ascend from above 0 to MAX_CHOICE."""
    values = tuple(choices)
    if not 2 <= len(values) <= MAX_CHOICES:
        raise wrong("choices", list(values), f"2 to {MAX_CHOICES} numbers")
    for value in values:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= MAX_CHOICE:
            raise wrong("choices", value, f"positive numbers up to {MAX_CHOICE:,.0f}", what="has")
    if sorted(set(values)) != list(values):
        raise wrong("choices", list(values), "in ascending order, each once")
    return tuple(int(value) if value == int(value) else value for value in values)


def checked_blocks(blocks: Sequence[int]) -> tuple[int, ...]:
    """The numbers of searched blocks. Raises InvalidValueError unless they are two or more, in ascending order."""
    numbers = tuple(blocks)
    if len(numbers) < 2:
        raise wrong("searched_blocks", list(numbers), "at least 2 blocks: one alone always takes the whole budget")
    for number in numbers:
        if number not in ALL_BLOCKS or isinstance(number, bool):
            raise wrong("searched_blocks", number, f"block numbers from 1 to {NUM_BLOCKS}", what="has")
    if sorted(set(numbers)) != list(numbers):
        raise wrong("searched_blocks", list(numbers), "in ascending order, each once")
    return numbers
