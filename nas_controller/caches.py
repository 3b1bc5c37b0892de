"""What was asked for last, kept in memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

Value = TypeVar("Value")


def _one(_value: object) -> int:
    return 1


class Recent(Generic[Value]):
    """A value of each key, up to `most` of them (or of their `size` in all); the one that nobody has asked for longest
    goes first. Threads may share it.
    """

    def __init__(self, most: int, size: Callable[[Value], int] = _one) -> None:
        self._most = most
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._kept = 0
        self._lock = Lock()

    def find(self, key: Hashable) -> Value | None:
        """What was kept last, where it still is."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: Hashable, value: Value) -> None:
        """Keeps this one in the place of an earlier one. One that is too large alone is not kept."""
        with self._lock:
            if key in self._values:
                self._kept -= self._size(self._values.pop(key))
            self._values[key] = value
            self._kept += self._size(value)
            while self._kept > self._most:
                self._kept -= self._size(self._values.popitem(last=False)[1])


class _Made(NamedTuple, Generic[Value]):
    version: Hashable
    began: float
    value: Value


class Kept(Generic[Value]):
    """The latest value of each key, made when it is asked for; as many are kept as in a `Recent`. Threads may share
    it.
    """

    def __init__(self, most: int, size: Callable[[Value], int] = _one) -> None:
        self._recent: Recent[_Made[Value]] = Recent(most, lambda made: size(made.value))
        self._turns: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()  # each lives while somebody holds it
        self._lock = Lock()

    def latest(self, key: Hashable, version: Hashable, make: Callable[[], Value]) -> Value:
        """What `make` gives at this version or a later one, made by one caller at a time.

        Those who ask meanwhile wait. One that was begun after they had asked serves them all, whatever version each has
        seen; so where versions follow each other faster than values are made, nobody waits for more than two of a key.
        Where `make` raises, that caller alone gets the error, and the next one makes.
        """
        asked = time.monotonic()
        with self._turn(key):
            made = self._recent.find(key)
            if made is None or (made.version != version and made.began < asked):
                made = _Made(version, time.monotonic(), make())
                self._recent.keep(key, made)
        return made.value

    def _turn(self, key: Hashable) -> Lock:
        """The lock of this key."""
        with self._lock:
            return self._turns.setdefault(key, Lock())
