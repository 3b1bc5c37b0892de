"""The names that a data set can have, for every package."""

from __future__ import annotations

import re

from search_space.errors import InvalidValueError

MAX_CHARACTERS = 64
PATTERN = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{MAX_CHARACTERS - 1}}}")


def check_dataset_name(name: str) -> None:
    """Returns for a name that a data set can have. Raises InvalidValueError (field `dataset`) for any other."""
    if not PATTERN.fullmatch(name):
        shown = name if len(name) <= MAX_CHARACTERS else f"{name[:MAX_CHARACTERS]}..."
        raise InvalidValueError(
            f"{shown!r} is not a data set name; use a-z, 0-9, _ and -, starting with a letter or a digit, "
            f"at most {MAX_CHARACTERS} characters",
            field="dataset",
            value=name,
        )
