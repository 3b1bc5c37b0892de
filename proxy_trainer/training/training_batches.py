"""Training batches as a pure function of seed and step, so that all trials of a campaign see the same batches."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.decoded_images import DecodedSplit
from proxy_trainer.data.shuffled_epochs import ShuffledEpochs
from proxy_trainer.data.views import FloatArray, draw_views, is_visible, sampling_windows, view_boxes
from proxy_trainer.engine.targets import Matches, match_anchors
from proxy_trainer.engine.training_batch import TrainingBatch
from search_space.anchors import anchor_boxes
from search_space.proxy_task import ProxyTask

MATCHES_BYTES = 256 * 2**20
"""Memory limit of the cache of anchor matches."""

_VIEWS = 1


class TrainingBatches:
    """The batches of one proxy task over one split, reshuffled every epoch.

    With common random numbers, compared trials differ in their architecture alone, and a training can resume at any
    step. Since all trials see the same boxes, the anchor matches of the first steps are cached from trial to trial, up
    to `MATCHES_BYTES`.
    """

    def __init__(self, split: DecodedSplit, task: ProxyTask, seed: int) -> None:
        self._split = split
        self._task = task
        self._seed = seed
        self._epochs = ShuffledEpochs(len(split), task.batch_size, seed)
        self._anchors = anchor_boxes(task.image_px, task.anchor_size)
        self._matches: dict[int, Matches] = {}
        self._cached_steps = MATCHES_BYTES // (task.batch_size * len(self._anchors) * np.dtype(np.int16).itemsize)

    def batch(self, step: int) -> TrainingBatch:
        """The batch of a step, counted from 0."""
        images = self._epochs.batch(step)
        sizes = self._split.sizes[images]
        views = draw_views(self._task, sizes, np.random.default_rng([self._seed, _VIEWS, step]))
        px = self._task.image_px
        boxes = view_boxes(self._split.boxes[images], views, px)
        classes = np.where(is_visible(boxes), self._split.classes[images], -1)
        return TrainingBatch(
            pixels=self._split.pixels[images],
            sizes=sizes,
            windows=sampling_windows(views, px),
            boxes=boxes,
            classes=classes,
            matches=self._matches_of(step, boxes, classes),
        )

    def stream(self, first: int, stop: int) -> Generator[TrainingBatch, None, None]:
        """The batches of the steps in [first, stop); each is prepared in a thread while the one before it is in use."""
        if first >= stop:
            return
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            ahead = pool.submit(self.batch, first)
            for step in range(first, stop):
                batch = ahead.result()
                if step + 1 < stop:
                    ahead = pool.submit(self.batch, step + 1)
                yield batch

    def _matches_of(self, step: int, boxes: FloatArray, classes: npt.NDArray[np.int32]) -> Matches:
        found = self._matches.get(step)
        if found is None:
            found = match_anchors(self._anchors, boxes, classes)
            if step < self._cached_steps:
                self._matches[step] = found
        return found
