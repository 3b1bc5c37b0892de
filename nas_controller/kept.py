"""What was asked for last, kept in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

Value = TypeVar("Value")


class _Made(NamedTuple, Generic[Value]):
    version: Hashable
    began: float
    value: Value


def _one(_value: object) -> int:
    return 1


class Kept(Generic[Value]):
    """The latest value of each key, up to `most` of them (or of their `size` in all); the one that nobody has asked for
    longest goes first. Threads may share it.
    """

    def __init__(self, most: int, size: Callable[[Value], int] = _one) -> None:
        self._most = most
        self._size = size
        self._made: OrderedDict[Hashable, _Made[Value]] = OrderedDict()
        self._kept = 0
        self._lock = Lock()
        self._making = tuple(Lock() for _ in range(16))

    def latest(self, key: Hashable, version: Hashable, make: Callable[[], Value]) -> Value:
        """What `make` gives at this version or a later one, made by one caller at a time.

        Those who ask meanwhile wait. One that was begun after they had asked serves them all, whatever version each has
        seen; so where versions follow each other faster than values are made, nobody waits for more than two of a key.
        (Other keys can share its lock.) Where `make` raises, that caller alone gets the error, and the next one makes.
        """
        asked = time.monotonic()
        with self._making[hash(key) % len(self._making)]:
            made = self._find(key)
            if made is None or (made.version != version and made.began < asked):
                made = _Made(version, time.monotonic(), make())
                self._keep(key, made)
        return made.value

    def _find(self, key: Hashable) -> _Made[Value] | None:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
            return self._made.get(key)

    def _keep(self, key: Hashable, made: _Made[Value]) -> None:
        with self._lock:
            self._drop(self._made.pop(key, None))
            self._made[key] = made
            self._kept += self._size(made.value)
            while self._kept > self._most:
                self._drop(self._made.popitem(last=False)[1])

    def _drop(self, made: _Made[Value] | None) -> None:
        if made is not None:
            self._kept -= self._size(made.value)
