"""Types of document fields that take no other type for theirs: `true` is not 1, `"5"` is not 5, `5.0` is not whole."""

from __future__ import annotations

from typing import Annotated

from pydantic import Strict

Whole = Annotated[int, Strict()]
"""A whole number."""
Real = Annotated[float, Strict()]
"""A number; a whole one is read as its float."""
