"""Runs a detector over a decoded split, with recalibrated batch-norm statistics where it is an engine in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.decoded_images import DecodedSplit
from proxy_trainer.detection_batch import Detects
from proxy_trainer.training.evaluation import Detections, in_original_pixels
from search_space.proxy_task import ProxyTask

if TYPE_CHECKING:
    from proxy_trainer.engine.engine import Engine

RECALIBRATION_BATCH = 64

_EVALUATION_BATCH = 32
_RECALIBRATION_DRAWS = 2

PaddedImages = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]


def detections_on(
    images: DecodedSplit, detector: Detects, progress: Callable[[int, int], None] = lambda done, total: None
) -> Detections:
    """Detections on all images of a split, in pixels of the original images."""
    parts = []
    for start in range(0, len(images), _EVALUATION_BATCH):
        stop = min(start + _EVALUATION_BATCH, len(images))
        found = detector.detect(images.pixels[start:stop], images.sizes[start:stop])
        parts.append(in_original_pixels(found, np.arange(start, stop), images.scales[start:stop]))
        progress(stop, len(images))
    return Detections.joined(parts)


def recalibration_images(images: DecodedSplit, task: ProxyTask) -> PaddedImages:
    """Pixels and sizes of the training images for recalibration: whole batches of different images."""
    count = min(task.recalibration_images, len(images))
    count -= count % RECALIBRATION_BATCH if count > RECALIBRATION_BATCH else 0
    random = np.random.default_rng([task.shared_seed, _RECALIBRATION_DRAWS])
    chosen = np.sort(random.permutation(len(images))[:count])
    return images.pixels[chosen], images.sizes[chosen]


@contextmanager
def scored_statistics(engine: Engine, images: PaddedImages) -> Iterator[None]:
    """In the block, the engine has the statistics that it is scored with: those of `images`, if there are any."""
    if not len(images[0]):
        yield
        return
    with engine.recalibrated(*images, RECALIBRATION_BATCH):
        yield
