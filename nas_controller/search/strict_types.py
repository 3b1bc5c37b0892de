"""Types of document fields that take no other type for theirs: `true` is not 1, `"5"` is not 5, `5.0` is not whole."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Strict
from pydantic_core import PydanticCustomError

Whole = Annotated[int, Strict()]
"""A whole number."""
Real = Annotated[float, Strict()]
"""A number; a whole one is read as its float."""


def _without_other_types(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise PydanticCustomError("number_type", "Input should be a valid number")
    return value


Number = Annotated[int | float, BeforeValidator(_without_other_types)]
"""A number that stays whole where it was given so."""
