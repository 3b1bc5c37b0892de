"""Results are made once while they fit into memory."""

from __future__ import annotations

import numpy as np

from proxy_trainer.data.bounded_cache import BoundedCache
from proxy_trainer.data.shuffled_epochs import ShuffledEpochs


def test_the_least_recently_used_result_is_made_again() -> None:
    made = []

    def make(index: int) -> tuple[np.ndarray]:
        made.append(index)
        return (np.full(100, index, np.uint8),)

    cache = BoundedCache(make, limit_bytes=250)
    for index in (1, 2, 1, 3, 1, 2):
        assert cache(index)[0][0] == index
    assert made == [1, 2, 3, 2]


def test_every_image_is_seen_once_in_an_epoch() -> None:
    order = ShuffledEpochs(6, 4, seed=1)
    first, second = np.split(np.concatenate([order.batch(step) for step in range(3)]), 2)
    assert sorted(first) == sorted(second) == list(range(6))
    assert first.tolist() != second.tolist()
    again = ShuffledEpochs(6, 4, seed=1)
    assert [again.batch(step).tolist() for step in (2, 0, 1)] == [order.batch(step).tolist() for step in (2, 0, 1)]
