"""The COCO data of the tasks that find objects: both splits, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.data_identity import DataIdentity, SplitIdentity
from proxy_trainer.data.decoded_images import DecodedSplit
from proxy_trainer.tasks.fixed_network import TaskOptions
from proxy_trainer.training.detection_data import DetectionSplits


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
    def identity(self) -> DataIdentity:
        """The identity of both splits by content, images included."""
        splits = ((self.train, self.train_images), (self.held_out, self.held_out_images))
        return DataIdentity(*(SplitIdentity.of(split, images.image_digests) for split, images in splits))


def load_coco_data(options: TaskOptions) -> CocoData:
    """The data of a task, decoded into its cache. Raises as `load_dataset` and `decode_split`."""
    task = options.recipe.training
    splits = DetectionSplits.load(options.data_dir, task)
    decoded = splits.decoded(task.image_px, options.cache_dir, options.threads)
    return CocoData(splits.train, splits.held_out, decoded.train, decoded.held_out)
