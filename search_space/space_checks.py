"""Checks of the arguments of a search space; errors name the argument and the valid values."""

from __future__ import annotations

from collections.abc import Sequence

from search_space.errors import BudgetError, InvalidValueError
from search_space.short_counts import at_least, at_most
from search_space.topology import BLOCKS, NUM_BLOCKS

ALL_BLOCKS = tuple(block.number for block in BLOCKS)
MAX_CHOICES = 64
MAX_CHOICE = 1e6


def invalid_argument(name: str, value: object, wanted: str, *, what: str = "is") -> InvalidValueError:
    """The error for an argument that must be `wanted`."""
    return InvalidValueError(f"{name} {what} {value!r}; it must be {wanted}", field=f"search_space.{name}")


def infeasible(name: str, given: int, of: str, feasible: tuple[int, int], unit: str) -> BudgetError:
    """The error for a budget or a cap that no widths meet: what to use, and the feasible range."""
    low, high = feasible
    use = f"{at_least(low)} or more" if given < low else f"{at_most(high)} or less"
    return BudgetError(
        f"{name} is {given:,}; no widths of {of} meet it: use {use}. Feasible are {low:,} to {high:,} {unit}",
        field=f"search_space.{name}",
    )


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raises InvalidValueError unless `value` is a whole number from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise invalid_argument(name, value, f"a whole number from {low:,} to {high:,}")


def checked_choices(choices: Sequence[float]) -> tuple[float, ...]:
    """The multipliers, whole ones as int. Raises InvalidValueError unless they ascend from above 0 to MAX_CHOICE."""
    values = tuple(choices)
    if not 2 <= len(values) <= MAX_CHOICES:
        raise invalid_argument("choices", list(values), f"2 to {MAX_CHOICES} numbers")
    for value in values:
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value <= MAX_CHOICE:
            raise invalid_argument("choices", value, f"positive numbers up to {MAX_CHOICE:,.0f}", what="has")
    if sorted(set(values)) != list(values):
        raise invalid_argument("choices", list(values), "in ascending order, each once")
    return tuple(int(value) if value == int(value) else value for value in values)


def checked_blocks(blocks: Sequence[int]) -> tuple[int, ...]:
    """The numbers of searched blocks. Raises InvalidValueError unless they are two or more, in ascending order."""
    numbers = tuple(blocks)
    if len(numbers) < 2:
        raise invalid_argument(
            "searched_blocks", list(numbers), "at least 2 blocks: a single one takes the whole budget"
        )
    for number in numbers:
        if number not in ALL_BLOCKS or isinstance(number, bool):
            raise invalid_argument("searched_blocks", number, f"block numbers from 1 to {NUM_BLOCKS}", what="has")
    if sorted(set(numbers)) != list(numbers):
        raise invalid_argument("searched_blocks", list(numbers), "in ascending order, each once")
    return numbers
