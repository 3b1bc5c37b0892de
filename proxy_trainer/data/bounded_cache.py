"""Keeps results of a function until they take too much memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy.typing as npt

V = TypeVar("V", bound="tuple[npt.NDArray[Any], ...]")


class BoundedCache(Generic[V]):
    """The tuples of arrays that `make` returns by index, the least recently used dropped beyond `limit_bytes`.

    Threads may call it at the same time; one result may then be made twice.
    """

    def __init__(self, make: Callable[[int], V], limit_bytes: int) -> None:
        self._make = make
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._results: OrderedDict[int, V] = OrderedDict()
        self._lock = Lock()

    def __call__(self, index: int) -> V:
        """The result for this index. Raises what `make` raises."""
        with self._lock:
            if index in self._results:
                self._results.move_to_end(index)
                return self._results[index]
        made = self._make(index)
        with self._lock:
            if index not in self._results:
                self._results[index] = made
                self._bytes += _size(made)
            while self._bytes > self._limit_bytes and len(self._results) > 1:
                self._bytes -= _size(self._results.popitem(last=False)[1])
        return made


def _size(arrays: tuple[npt.NDArray[Any], ...]) -> int:
    return sum(array.nbytes for array in arrays)
