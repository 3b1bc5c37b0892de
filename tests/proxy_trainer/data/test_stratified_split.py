from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.stratified_split import stratified_split, subset
from search_space.errors import InvalidValueError


@pytest.fixture
def many() -> CocoSplit:
    """1,000 images: category 0 on nearly all, category 1 on 100 of them, category 2 on 10, 50 empty."""
    images = [(image, 0) for image in range(950)]
    images += [(image, 1) for image in range(0, 900, 9)] + [(image, 2) for image in range(5, 905, 90)]
    box_images, categories = np.array(sorted(images), np.int32).T
    count = len(images)
    return CocoSplit(
        images_dir=Path("images"),
        annotations_file=Path("annotations.json"),
        annotations_sha256="",
        image_ids=tuple(range(0, 3000, 3)),
        image_ranks=np.arange(1000),
        file_names=tuple(f"{index}.jpg" for index in range(1000)),
        sizes=np.tile(np.array([[100, 100]], np.int32), (1000, 1)),
        box_images=box_images,
        boxes=np.tile(np.array([[1.0, 2, 30, 40]]), (count, 1)),
        categories=categories,
        areas=np.full(count, 1200.0),
        crowd=np.zeros(count, np.bool_),
        category_ids=(1, 2, 3),
        category_names=("a", "b", "c"),
    )


@pytest.mark.parametrize("seed", range(5))
def test_every_stratum_contributes_its_share(many: CocoSplit, seed: int) -> None:
    train, reserved = stratified_split(many, 200, seed)
    assert (len(train), len(reserved)) == (800, 200)
    assert sorted([*train.image_ids, *reserved.image_ids]) == list(many.image_ids)
    shares = np.bincount(reserved.categories, minlength=3)
    assert abs(shares[2] - 2) <= 1
    assert abs(shares[1] - 20) <= 2
    empty = 200 - len(np.unique(reserved.box_images))
    assert abs(empty - 10) <= 1


def test_the_split_is_a_function_of_the_seed(many: CocoSplit) -> None:
    first, again, other = (stratified_split(many, 50, seed)[1].image_ids for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(set(first) & set(other)) < 25


@pytest.mark.parametrize("count", [1, 999])
def test_the_smallest_and_the_largest_count(many: CocoSplit, count: int) -> None:
    train, reserved = stratified_split(many, count, 0)
    assert (len(train), len(reserved)) == (1000 - count, count)


@pytest.mark.parametrize("count", [0, 1000, -3])
def test_a_count_that_leaves_a_split_empty_is_refused(many: CocoSplit, count: int) -> None:
    with pytest.raises(InvalidValueError, match=rf"cannot reserve {count} of the 1000 images .*; reserve 1 to 999"):
        stratified_split(many, count, 0)


def test_a_subset_has_the_boxes_of_its_images(edge_case_coco: Path) -> None:
    whole = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    part = subset(whole, np.array([1, 3, 9]))
    assert part.file_names == ("tall.jpg", "cmyk.jpg", "empty.jpg")
    assert part.image_ids == tuple(whole.image_ids[index] for index in (1, 3, 9))
    assert part.image_ranks.tolist() == np.argsort(np.argsort(part.image_ids)).tolist()
    assert part.box_images.tolist() == [0, 0, 1, 1]
    assert (part.boxes[2:] == whole.boxes[whole.box_images == 3]).all()
    assert (part.categories[:2] == whole.categories[whole.box_images == 1]).all()
    assert len(part.training_boxes.images) == 4
