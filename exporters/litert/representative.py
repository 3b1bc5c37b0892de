"""Representative images, from which an int8 file takes the ranges of its values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.coco_directory import find_splits
from proxy_trainer.data.images import read_image, resize_and_pad, resized_size
from search_space.detector import IMAGE_MEAN

COUNT = 200
"""Images, at most."""

_SEED = 0


class RepresentativeImages:
    """Training images `[px, px, 3]`, 0 to 255, padded with the mean colour; all of them where there are few.

    Each is read when the iteration comes to it. Raises DataError where the data set, and in the iteration where an
    image, cannot be read.
    """

    def __init__(self, dataset: Path, px: int) -> None:
        files, _ = find_splits(dataset)
        self._split, self._px = files.load(), px
        self._chosen = np.sort(np.random.default_rng(_SEED).permutation(len(self._split))[:COUNT]).tolist()

    def __len__(self) -> int:
        return len(self._chosen)

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        return (_padded(read_image(self._split, index), self._px) for index in self._chosen)


def _padded(image: npt.NDArray[np.uint8], px: int) -> npt.NDArray[np.float32]:
    height, width = resized_size(image.shape[0], image.shape[1], px)
    padded = np.empty((px, px, 3), np.float32)
    padded[:] = IMAGE_MEAN
    padded[:height, :width] = resize_and_pad(image, px)[0][:height, :width]
    return padded
