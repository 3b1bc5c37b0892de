"""The fields of a proxy task as data: defaults, limits and meanings, from which checks and JSON Schemas derive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, field
from typing import Any

from search_space.errors import InvalidValueError
from search_space.suggestions import truth_hint


def number(default: float, low: float, high: float, meaning: str) -> Any:
    """A dataclass field with a number from `low` to `high`, a whole one if its default is an int."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def choice(default: str, choices: tuple[str, ...], meaning: str) -> Any:
    """A dataclass field with one of `choices`."""
    return field(default=default, metadata={"choices": choices, "meaning": meaning})


def switch(default: bool, meaning: str) -> Any:
    """A dataclass field that is true or false."""
    return field(default=default, metadata={"meaning": meaning})


def settable(fields: tuple[Field[Any], ...]) -> dict[str, Field[Any]]:
    """The fields, by name, that may be set in addition to a profile: those with a meaning."""
    return {each.name: each for each in fields if "meaning" in each.metadata}


def check_value(each: Field[Any], value: object) -> None:
    """Raises InvalidValueError unless the field can have this value."""
    if wanted := _mismatch(each, value):
        raise InvalidValueError(f"{each.name} is {value!r}; it must be {wanted}", field=f"proxy_task.{each.name}")


def _mismatch(each: Field[Any], value: object) -> str | None:
    """What the value must be, to complete a sentence; None for a valid value."""
    limits: Mapping[str, Any] = each.metadata
    if "choices" in limits:
        return None if value in limits["choices"] else " or ".join(limits["choices"])
    if isinstance(each.default, bool):
        return None if isinstance(value, bool) else f"true or false{truth_hint(value)}"
    is_whole = isinstance(each.default, int)
    kinds = int if is_whole else (int, float)
    if isinstance(value, kinds) and not isinstance(value, bool) and limits["low"] <= value <= limits["high"]:
        return None
    kind = "whole number" if is_whole else "number"
    return f"a {kind} from {_limit(limits['low'])} to {_limit(limits['high'])}"


def _limit(limit: float) -> str:
    """A limit for a message: 10,000,000; 0.05; 1e-06."""
    return f"{int(limit):,}" if limit == int(limit) else f"{limit:g}"


def value_schema(each: Field[Any]) -> dict[str, Any]:
    """The JSON Schema of the field's values."""
    limits = each.metadata
    schema: dict[str, Any] = {"description": limits["meaning"]}
    if "choices" in limits:
        return schema | {"type": "string", "enum": list(limits["choices"])}
    if isinstance(each.default, bool):
        return schema | {"type": "boolean"}
    kind = "integer" if isinstance(each.default, int) else "number"
    return schema | {"type": kind, "minimum": limits["low"], "maximum": limits["high"]}
