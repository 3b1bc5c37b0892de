"""What was asked for last, kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Up to `most` values by key; the one that nobody has asked for longest goes first. Threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()
        self._making = tuple(Lock() for _ in range(16))

    def get(self, key: Hashable) -> Value | None:
        """The value; None where there is none (any more)."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def making(self, key: Hashable) -> Lock:
        """Hold it while a value is made, so that those who ask meanwhile wait for that one instead of making it too."""
        return self._making[hash(key) % len(self._making)]

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps the value."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
