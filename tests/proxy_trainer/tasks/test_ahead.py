"""Batches are prepared ahead, one at a time, and errors reach the caller."""

from __future__ import annotations

from threading import Lock, get_ident

import pytest

from proxy_trainer.tasks.ahead import Ahead


class Batches:
    """Makes batches, and notes the order, the threads and whether two were ever made at once."""

    def __init__(self) -> None:
        self.made: list[int] = []
        self.threads: set[int] = set()
        self.overlapped = False
        self._lock = Lock()

    def make(self, step: int) -> str:
        self.overlapped |= not self._lock.acquire(blocking=False)
        try:
            self.made.append(step)
            self.threads.add(get_ident())
            if step == 7:
                raise ValueError("no batch 7")
            return f"batch {step}"
        finally:
            self._lock.release()


def test_batches_in_any_order_are_made_once_and_one_at_a_time() -> None:
    batches = Batches()
    ahead = Ahead(batches.make, 6)
    assert [ahead.batch(step) for step in (0, 1, 2, 5, 1, 2)] == [f"batch {step}" for step in (0, 1, 2, 5, 1, 2)]
    ahead.batch(5)
    # The batch after the third and the fifth call was prepared and not asked for; none follows the last step.
    assert batches.made == [0, 1, 2, 3, 5, 1, 2, 3, 5]
    assert not batches.overlapped
    assert get_ident() not in batches.threads


def test_errors_reach_the_caller_of_their_step() -> None:
    ahead = Ahead(Batches().make, 9)
    assert ahead.batch(6) == "batch 6"
    with pytest.raises(ValueError, match="no batch 7"):
        ahead.batch(7)
