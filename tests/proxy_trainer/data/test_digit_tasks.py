"""The digits for classification and for segmentation: layouts, bytes, and the same scenes as for detection."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as rle

from proxy_trainer.data.digits import make_digits
from proxy_trainer.data.image_folder import load_image_folder
from proxy_trainer.data.voc_segmentation import load_voc_segmentation, read_labelled
from proxy_trainer.errors import DataError
from search_space.errors import InvalidValueError


def content(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_classes_have_equal_numbers_of_pictures_and_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made = make_digits(tmp_path / name, train=20, val=10, categories=10, image_px=64, task="classification")
        assert made.created
    assert content(tmp_path / "one") == content(tmp_path / "two")
    found = load_image_folder(tmp_path / "one")
    assert found.classes == tuple(str(digit) for digit in range(10))
    assert np.bincount(found.train.labels).tolist() == [2] * 10
    assert np.bincount(found.val.labels).tolist() == [1] * 10
    again = make_digits(tmp_path / "one", train=20, val=10, categories=10, image_px=64, task="classification")
    assert not again.created
    with pytest.raises(DataError, match="task classification instead of detection"):
        make_digits(tmp_path / "one", train=20, val=10, categories=10, image_px=64)
    next((tmp_path / "one" / "val").rglob("*.jpg")).unlink()
    with pytest.raises(DataError, match="val holds 9 images instead of 10"):
        make_digits(tmp_path / "one", train=20, val=10, categories=10, image_px=64, task="classification")


@pytest.mark.parametrize("categories", [1, 10])
def test_masks_are_those_of_the_detection_data_set(tmp_path: Path, categories: int) -> None:
    make_digits(tmp_path / "masks", train=4, val=2, categories=categories, task="segmentation")
    make_digits(tmp_path / "boxes", train=4, val=2, categories=categories)
    found = load_voc_segmentation(tmp_path / "masks")
    assert (len(found.train), len(found.val), len(found.classes)) == (4, 2, categories + 1)
    document = json.loads((tmp_path / "boxes" / "annotations" / "instances_train.json").read_text())
    for index in range(4):
        _, labels = read_labelled(found.train, index, len(found.classes))
        expected = np.zeros(labels.shape, np.uint8)
        for annotation in document["annotations"]:
            if annotation["image_id"] == index + 1:
                expected[rle.decode(annotation["segmentation"]) > 0] = annotation["category_id"]
        np.testing.assert_array_equal(labels, expected)
        picture = tmp_path / "boxes" / "train" / f"{index + 1:06d}.jpg"
        assert found.train.images[index].read_bytes() == picture.read_bytes()


def test_bad_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="task is 'tracking'; it must be one of detection, classification"):
        make_digits(tmp_path / "digits", task="tracking")  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="classification has 10 categories, one for each digit"):
        make_digits(tmp_path / "digits", task="classification")
