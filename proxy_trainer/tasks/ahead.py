"""Prepares the next batch in a thread while the one before it is in use; no two are prepared at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

B = TypeVar("B")


class Ahead(Generic[B]):
    """The batches of `make`, a pure function of the step; after each step below `steps` the next is prepared."""

    def __init__(self, make: Callable[[int], B], steps: int) -> None:
        self._make = make
        self._steps = steps
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future[B]] | None = None

    def batch(self, step: int) -> B:
        """The batch of a step. Raises what `make` raises."""
        ahead, self._next = self._next, None
        if ahead is None or ahead[0] != step:
            ahead = step, self._pool.submit(self._make, step)
        batch = ahead[1].result()
        if step + 1 < self._steps:
            self._next = step + 1, self._pool.submit(self._make, step + 1)
        return batch
