"""The COCO data of the tasks that find objects: both splits, decoded, and boxes in pixels of the original pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.data_identity import DataIdentity, SplitIdentity
from proxy_trainer.data.decoded_images import DecodedSplit, decode_split
from proxy_trainer.tasks.fixed_network import TaskOptions


@dataclass(frozen=True, eq=False)
class CocoData:
    """The training and the held-out split of a data set, each as annotated and as decoded at the recipe's size."""

    train: CocoSplit
    held_out: CocoSplit
    train_images: DecodedSplit
    held_out_images: DecodedSplit

    @property
    def classes(self) -> list[dict[str, Any]]:
        """The `{id, name}` of each category, in order."""
        train = self.train
        return [{"id": i, "name": n} for i, n in zip(train.category_ids, train.category_names, strict=True)]

    @property
    def digest(self) -> str:
        """The digest of the content of both splits, images included."""
        splits = ((self.train, self.train_images), (self.held_out, self.held_out_images))
        return DataIdentity(*(SplitIdentity.of(split, images.image_digests) for split, images in splits)).sha256


def load_coco_data(options: TaskOptions) -> CocoData:
    """The data of a task, decoded into its cache. Raises as `load_dataset` and `decode_split`."""
    task = options.recipe.training
    train, held_out = load_dataset(
        options.data_dir, reserved_images=task.reserved_images, reserve_from=task.reserve_from, seed=options.seed
    )
    decoded = (
        decode_split(split, task.image_px, options.cache_dir, threads=options.threads) for split in (train, held_out)
    )
    return CocoData(train, held_out, *decoded)


def original_boxes(boxes: npt.NDArray[np.floating], scales: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Boxes [n, 4] (y1, x1, y2, x2) of resized images as (x, y, width, height) in pixels of the originals.

    `scales` [n] are resized over original size.
    """
    y1, x1, y2, x2 = (np.asarray(boxes, np.float64) / np.asarray(scales, np.float64)[:, None]).T
    return np.stack([x1, y1, x2 - x1, y2 - y1], axis=1)
