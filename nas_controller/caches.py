"""Caches in memory that threads share: an LRU cache, and a single-flight cache of versioned values."""

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


class LruCache(Generic[Value]):
    """Up to `max_size` values by key, or values of that `size_of` in all; evicts the least recently used first."""

    def __init__(self, max_size: int, size_of: Callable[[Value], int] = _one) -> None:
        self._max_size = max_size
        self._size_of = size_of
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value of a key; None if there is none or it was evicted."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Sets the value of a key. A value above `max_size` is not stored, and removes the earlier one of its key."""
        size = self._size_of(value)
        with self._lock:
            if key in self._values:
                self._size -= self._size_of(self._values.pop(key))
            if size > self._max_size:
                return
            self._values[key] = value
            self._size += size
            while self._size > self._max_size:
                self._size -= self._size_of(self._values.popitem(last=False)[1])


class _Computed(NamedTuple, Generic[Value]):
    version: Hashable
    began: float
    value: Value


class SingleFlightCache(Generic[Value]):
    """The latest value of each key, computed by one caller at a time; bounded as an `LruCache`."""

    def __init__(self, max_size: int, size_of: Callable[[Value], int] = _one) -> None:
        self._computed: LruCache[_Computed[Value]] = LruCache(max_size, lambda computed: size_of(computed.value))
        self._key_locks: WeakValueDictionary[Hashable, Lock] = (
            WeakValueDictionary()
        )  # a lock exists while a caller uses it
        self._lock = Lock()

    def get(self, key: Hashable, version: Hashable, compute: Callable[[], Value]) -> Value:
        """The result of `compute` at this version or a later one.

        Concurrent callers of a key wait for one computation. A computation that began after they called serves them
        all, whatever version they asked for; so if versions change faster than values are computed, nobody waits for
        more than two computations. If `compute` raises, only that caller gets the error, and the next one computes.
        """
        called = time.monotonic()
        with self._key_lock(key):
            computed = self._computed.get(key)
            if computed is None or (computed.version != version and computed.began < called):
                computed = _Computed(version, time.monotonic(), compute())
                self._computed.put(key, computed)
        return computed.value

    def _key_lock(self, key: Hashable) -> Lock:
        with self._lock:
            return self._key_locks.setdefault(key, Lock())
