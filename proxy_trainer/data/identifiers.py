"""Ids of images and categories: integers of any size or strings, equal only where the file's are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_ROUNDED = 2.0**53
"""From here on a float no longer tells neighbouring integers apart."""


def identifier(value: Any) -> int | str | None:
    """The id that a JSON value is, or None where it is none: fractions, large floats, true, false and null."""
    if type(value) is int or type(value) is str:
        return value
    if type(value) is float and value.is_integer() and abs(value) < _FIRST_ROUNDED:
        return int(value)
    return None


def id_ranks(ids: Sequence[int | str]) -> NDArray[np.int64]:
    """The position of each id in the order of all, int64 [n]: numbers by value, then strings alphabetically."""
    ranks = np.empty(len(ids), np.int64)
    ranks[sorted(range(len(ids)), key=lambda index: _order(ids[index]))] = np.arange(len(ids))
    return ranks


def _order(found: int | str) -> tuple[bool, int, str]:
    return (True, 0, found) if isinstance(found, str) else (False, found, "")


def id_indices(wanted: Sequence[int | str], ids: Sequence[int | str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The index among `ids` of each wanted id, int64 [n], -1 where it is not there; and where its type differs.

    A string stands for the number that it spells, and the reverse, where only one id is written so.
    """
    exact = {each: index for index, each in enumerate(ids)}
    spelled = Counter(str(each) for each in ids)
    by_text = {str(each): index for index, each in enumerate(ids) if spelled[str(each)] == 1}
    indices = np.array([exact.get(each, by_text.get(str(each), -1)) for each in wanted], np.int64)
    other_type = np.array([each not in exact for each in wanted], np.bool_) & (indices >= 0)
    return indices, other_type
