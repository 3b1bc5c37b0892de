"""The order of the images of a training: an endless sequence of shuffled epochs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_ORDER = 0


class ShuffledEpochs:
    """Indices of `count` images in batches of `batch_size`, reshuffled every epoch: a function of seed and step."""

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self._count = count
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = -1
        self._order: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def batch(self, step: int) -> npt.NDArray[np.int64]:
        """The images of a step, counted from 0 `[batch]`."""
        first = step * self._batch_size
        return np.array([self._image(position) for position in range(first, first + self._batch_size)])

    def _image(self, position: int) -> int:
        epoch, within = divmod(position, self._count)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, _ORDER, epoch]).permutation(self._count)
        return int(self._order[within])
