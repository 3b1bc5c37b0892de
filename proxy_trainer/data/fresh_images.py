"""Images for the finals of a search that have given no reward, where there are enough."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import TRAIN_IMAGES_PER_RESERVED, find_splits, load_dataset, with_categories_of
from proxy_trainer.data.stratified_split import stratified_split, subset
from search_space.proxy_task import ProxyTask
from search_space.recipes import ALL_IMAGES

ENOUGH = 0.5
"""At least this fraction of `reserved_images` is enough; where those are all images, of those that there are."""


class LoadedSplits(NamedTuple):
    """The training split and the reserved split of a task, and whether the reserved images are fresh.

    `search` are the two splits that the search reads of the data set as it is now; None without a search.
    """

    train: CocoSplit
    reserved: CocoSplit
    is_fresh: bool
    search: tuple[CocoSplit, CocoSplit] | None


def load_splits(directory: Path, task: ProxyTask, seed: int, search_task: ProxyTask | None) -> LoadedSplits:
    """The splits of a task.

    Without a `search_task`, they are those of `load_dataset`, and not said to be fresh. With one, whose rewards were
    measured on the images that it reserves with the same seed, the reserved images are

    1. images of the validation split that it has not reserved,
    2. otherwise drawn from the training images, at most one in five, which then are not trained on, and
    3. where neither has at least ENOUGH of `reserved_images` (with a box to score against), those of `load_dataset`.

    No image that the search has reserved is trained on in the first two cases. Raises as `load_dataset`.
    """
    search = None if search_task is None else _reserved_by(directory, search_task, seed)
    fresh = None if search is None else _fresh(directory, task, seed, *search)
    splits = _reserved_by(directory, task, seed) if fresh is None else fresh
    return LoadedSplits(*splits, is_fresh=fresh is not None, search=search)


def _fresh(
    directory: Path, task: ProxyTask, seed: int, train: CocoSplit, rewarded: CocoSplit
) -> tuple[CocoSplit, CocoSplit] | None:
    """The training split and fresh reserved images, from those of the search; None where there are too few."""
    validation = _validation(directory, train)
    wanted = task.reserved_images
    if wanted == ALL_IMAGES:
        wanted = len(train) // TRAIN_IMAGES_PER_RESERVED if validation is None else len(validation)
    enough = max(1, int(np.ceil(ENOUGH * wanted)))
    unseen = None if validation is None else _unseen(validation, rewarded)
    if unseen is not None and len(unseen) >= enough and not unseen.crowd.all():
        count = min(task.reserved_images, len(unseen))
        return train, unseen if count == len(unseen) else stratified_split(unseen, count, seed)[1]
    count = min(task.reserved_images, len(train) // TRAIN_IMAGES_PER_RESERVED)
    if count < enough:
        return None
    left, reserved = stratified_split(train, count, seed)
    return None if reserved.crowd.all() or not len(left.training_boxes.images) else (left, reserved)


def _reserved_by(directory: Path, task: ProxyTask, seed: int) -> tuple[CocoSplit, CocoSplit]:
    return load_dataset(directory, reserved_images=task.reserved_images, reserve_from=task.reserve_from, seed=seed)


def _validation(directory: Path, train: CocoSplit) -> CocoSplit | None:
    """The validation split, None where there is none."""
    _, files = find_splits(directory)
    return None if files is None else with_categories_of(train, files.load())


def _unseen(validation: CocoSplit, rewarded: CocoSplit) -> CocoSplit | None:
    """The images of the validation split that gave no reward; None where there are none."""
    if validation.annotations_file != rewarded.annotations_file:
        return validation
    known = set(rewarded.image_ids)
    left = [index for index, image in enumerate(validation.image_ids) if image not in known]
    return subset(validation, np.array(left, np.int64)) if left else None
