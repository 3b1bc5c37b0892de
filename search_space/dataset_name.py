"""The rule for data set names."""

from __future__ import annotations

import re

from search_space.errors import InvalidValueError

MAX_CHARACTERS = 64
PATTERN = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{MAX_CHARACTERS - 1}}}")


def check_dataset_name(name: str) -> None:
    """Raises InvalidValueError (field `dataset`) where `name` is not a valid data set name."""
    if not PATTERN.fullmatch(name):
        shown = name if len(name) <= MAX_CHARACTERS else f"{name[:MAX_CHARACTERS]}..."
        raise InvalidValueError(
            f"{shown!r} is not a data set name; use a-z, 0-9, _ and -, starting with a letter or a digit, "
            f"at most {MAX_CHARACTERS} characters",
            field="dataset",
            value=name,
        )
