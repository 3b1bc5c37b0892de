"""Training batches of Mask R-CNN as a pure function of seed and step: views, boxes, masks and sampled anchors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.bounded_cache import BoundedCache
from proxy_trainer.data.decoded_images import DecodedSplit
from proxy_trainer.data.instance_masks import MASK_PX, InstanceMasks
from proxy_trainer.data.shuffled_epochs import ShuffledEpochs
from proxy_trainer.data.views import Views, draw_views, is_visible, moved_boxes, sampling_windows, view_boxes
from proxy_trainer.engine.targets import FloatArray
from proxy_trainer.tasks.anchor_sampling import AnchorSample, sample_anchors
from search_space.anchors import level_anchors
from search_space.networks.retinanet import LEVELS
from search_space.proxy_task import ProxyTask

_VIEWS, _ANCHORS = 1, 2
_MASK_BYTES = 512 * 2**20


class MaskBatch(NamedTuple):
    """The input of a training step.

    `pixels`, `sizes` and `windows` as in `TrainingBatch`. Of the objects `[batch, objects]`: `boxes` `[..., 4]` in the
    views, clipped to them; `classes` from 1, 0 as padding and for one that is not visible; `mask_boxes` `[..., 4]`, not
    clipped, which `masks` `[..., 56, 56]` fill. Of the anchors `[batch, anchors]`: `labels` and `matches` as in
    `AnchorSample`.
    """

    pixels: npt.NDArray[np.uint8]
    sizes: npt.NDArray[np.int32]
    windows: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    mask_boxes: npt.NDArray[np.float32]
    masks: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int8]
    matches: npt.NDArray[np.int16]


def proposal_anchors(image_px: int, anchor_size: float) -> FloatArray:
    """The anchors of region proposals `[anchors, 4]`, in the order of the predictions: by level, row, column, ratio."""
    levels = [level_anchors((image_px, image_px), level, anchor_size, (1.0,)) for level in LEVELS]
    return np.concatenate(levels).astype(np.float32)


class MaskBatches:
    """The batches of one recipe over one split, reshuffled every epoch.

    `sampled_anchors` of each image are learned from.
    """

    def __init__(
        self, images: DecodedSplit, masks: InstanceMasks, task: ProxyTask, sampled_anchors: int, seed: int
    ) -> None:
        self._images = images
        self._masks = masks
        self._task = task
        self._sampled_anchors = sampled_anchors
        self._seed = seed
        self._epochs = ShuffledEpochs(len(images), task.batch_size, seed)
        self._anchors = proposal_anchors(task.image_px, task.anchor_size)
        self._crops = BoundedCache(lambda index: (masks.cropped(index),), _MASK_BYTES)

    def batch(self, step: int) -> MaskBatch:
        """The batch of a step, counted from 0."""
        images, px = self._epochs.batch(step), self._task.image_px
        sizes = self._images.sizes[images]
        views = draw_views(self._task, sizes, np.random.default_rng([self._seed, _VIEWS, step]))
        original, classes, masks = self._objects(images, views)
        boxes = view_boxes(original, views, px)
        classes = np.where(is_visible(boxes), classes, 0)
        samples = [
            self._sample(boxes[row], classes[row], np.random.default_rng([self._seed, _ANCHORS, step, row]))
            for row in range(len(images))
        ]
        return MaskBatch(
            self._images.pixels[images],
            sizes,
            sampling_windows(views, px),
            boxes,
            classes.astype(np.int32),
            moved_boxes(original, views, px),
            masks,
            np.stack([sample.labels for sample in samples]),
            np.stack([sample.matches for sample in samples]),
        )

    def _sample(self, boxes: FloatArray, classes: npt.NDArray[np.int32], rng: np.random.Generator) -> AnchorSample:
        return sample_anchors(self._anchors, boxes, classes > 0, self._sampled_anchors, rng)

    def _objects(
        self, images: npt.NDArray[np.int64], views: Views
    ) -> tuple[FloatArray, npt.NDArray[np.int32], FloatArray]:
        """Boxes in the resized images, classes from 1, and masks as seen in the views, padded to equal numbers."""
        objects = [self._masks.of_image(index) for index in images.tolist()]
        most = max(1, *(len(found) for found in objects))
        boxes = np.zeros((len(images), most, 4), np.float32)
        classes = np.zeros((len(images), most), np.int32)
        masks = np.zeros((len(images), most, MASK_PX, MASK_PX), np.float32)
        for row, found in enumerate(objects):
            boxes[row, : len(found)] = self._masks.boxes[found] * self._images.scales[images[row]]
            classes[row, : len(found)] = self._masks.categories[found] + 1
            for column, number in enumerate(found.tolist()):
                (mask,) = self._crops(number)
                masks[row, column] = mask[:, ::-1] if views.flipped[row] else mask
        return boxes, classes, masks
