"""Representative images, from which an int8 file takes the ranges of its values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.coco_directory import find_splits
from proxy_trainer.data.images import read_image, resize_and_pad, resized_size
from search_space.detector import IMAGE_MEAN

COUNT = 200
"""Images, at most."""

_SEED = 0


def representative_images(dataset: Path, px: int) -> npt.NDArray[np.float32]:
    """Training images `[n, px, px, 3]`, 0 to 255, padded with the mean colour; all of them where there are few.

    Raises DataError where the data set cannot be read.
    """
    files, _ = find_splits(dataset)
    split = files.load()
    chosen = np.random.default_rng(_SEED).permutation(len(split))[:COUNT]
    return np.stack([_padded(read_image(split, int(index)), px) for index in np.sort(chosen)])


def _padded(image: npt.NDArray[np.uint8], px: int) -> npt.NDArray[np.float32]:
    height, width = resized_size(image.shape[0], image.shape[1], px)
    padded = np.empty((px, px, 3), np.float32)
    padded[:] = IMAGE_MEAN
    padded[:height, :width] = resize_and_pad(image, px)[0][:height, :width]
    return padded
