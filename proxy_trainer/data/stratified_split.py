"""Reserves images for rewards by a stratified split, so that none of them is trained on (paper, section 5.1)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.identifiers import id_ranks
from search_space.errors import InvalidValueError


def stratified_split(split: CocoSplit, count: int, seed: int) -> tuple[CocoSplit, CocoSplit]:
    """Two splits, the remaining images and `count` reserved ones, drawn by `seed`.

    The stratum of an image is its rarest category; images without boxes form another stratum. Each stratum
    contributes its share of the reserved images to within one, so rare categories occur in both splits. Raises
    InvalidValueError (field `proxy_task.reserved_images`) where one of the splits would have no image.
    """
    if not 0 < count < len(split):
        raise InvalidValueError(
            f"cannot reserve {count} of the {len(split)} images of {split.annotations_file}; "
            f"reserve 1 to {len(split) - 1}",
            field="proxy_task.reserved_images",
        )
    rng = np.random.default_rng([seed, len(split)])
    shuffled = rng.permutation(len(split))
    by_stratum = shuffled[np.argsort(_strata(split)[shuffled], kind="stable")]
    # Evenly spaced over the sorted strata. The spacing is above 1, because count < len(split), so no pick repeats.
    picks = ((np.arange(count) + rng.random()) * (len(split) / count)).astype(np.int64)
    reserved = np.zeros(len(split), np.bool_)
    reserved[by_stratum[np.minimum(picks, len(split) - 1)]] = True
    return subset(split, np.flatnonzero(~reserved)), subset(split, np.flatnonzero(reserved))


def subset(split: CocoSplit, images: NDArray[np.int64]) -> CocoSplit:
    """The split reduced to the given images, int64 [n] ascending indices, and their boxes."""
    new_index = np.full(len(split), -1, np.int32)
    new_index[images] = np.arange(len(images), dtype=np.int32)
    image_ids = tuple(split.image_ids[index] for index in images)
    kept = new_index[split.box_images] >= 0
    return replace(
        split,
        image_ids=image_ids,
        image_ranks=id_ranks(image_ids),
        file_names=tuple(split.file_names[index] for index in images),
        sizes=split.sizes[images],
        box_images=new_index[split.box_images[kept]],
        boxes=split.boxes[kept],
        categories=split.categories[kept],
        areas=split.areas[kept],
        crowd=split.crowd[kept],
    )


def _strata(split: CocoSplit) -> NDArray[np.int64]:
    """The stratum of each image, int64 [n]: the rank of its rarest category from 0, or c for an image without boxes."""
    pairs = np.unique(np.stack([split.box_images, split.categories]), axis=1)
    images_with = np.bincount(pairs[1], minlength=len(split.category_ids))
    rank = np.empty(len(images_with), np.int64)
    rank[np.argsort(images_with, kind="stable")] = np.arange(len(images_with))
    strata = np.full(len(split), len(images_with), np.int64)
    np.minimum.at(strata, split.box_images, rank[split.categories])
    return strata
