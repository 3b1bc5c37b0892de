"""Training batches as a pure function of seed and step, so that every trial of a campaign sees the same ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proxy_trainer.augment import draw_views, is_visible, sampling_windows, view_boxes
from proxy_trainer.engine import TrainingBatch
from proxy_trainer.packed import PackedSplit
from search_space.proxy_task import ProxyTask

_ORDER, _VIEWS = 0, 1


class TrainingBatches:
    """The batches of one proxy task over one split, shuffled anew every epoch.

    Common random numbers: two architectures that are compared differ in nothing but themselves, and a run can
    start again at any step.
    """

    def __init__(self, packed: PackedSplit, task: ProxyTask, seed: int) -> None:
        self._packed = packed
        self._task = task
        self._seed = seed
        self._epoch = -1
        self._order: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def batch(self, step: int) -> TrainingBatch:
        """The batch of a step (from 0)."""
        size = self._task.batch_size
        images = np.array([self._image(place) for place in range(step * size, (step + 1) * size)])
        sizes = self._packed.sizes[images]
        views = draw_views(self._task, sizes, np.random.default_rng([self._seed, _VIEWS, step]))
        px = self._task.image_px
        boxes = view_boxes(self._packed.boxes[images], views, px)
        classes = np.where(is_visible(boxes), self._packed.classes[images], -1)
        return TrainingBatch(self._packed.pixels[images], sizes, sampling_windows(views, px), boxes, classes)

    def _image(self, place: int) -> int:
        """The image at a place of the endless shuffled sequence."""
        epoch, within = divmod(place, len(self._packed))
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self._seed, _ORDER, epoch]).permutation(len(self._packed))
        return int(self._order[within])
