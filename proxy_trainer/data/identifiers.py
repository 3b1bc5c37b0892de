"""Ids of images and categories: integers of any size or texts, equal only where the file's are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def id_ranks(ids: Sequence[int | str]) -> NDArray[np.int64]:
    """The place of each id in the order of all, int64 [n]: numbers by value, then texts alphabetically."""
    ranks = np.empty(len(ids), np.int64)
    ranks[sorted(range(len(ids)), key=lambda index: _order(ids[index]))] = np.arange(len(ids))
    return ranks


def _order(found: int | str) -> tuple[bool, int, str]:
    return (True, 0, found) if isinstance(found, str) else (False, found, "")
