"""Pictures with masks in the layout of Pascal VOC: what is read, and bad ones that are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.voc_segmentation import VOC_CLASSES, load_voc_segmentation, read_labelled, read_mask
from proxy_trainer.errors import DataAwayError, DataError, EmptySplitError, UnreadableImageError

LABELS = np.array([[0, 1, 1], [255, 2, 0]], np.uint8)


def write_mask(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels, "P")
    image.putpalette(list(range(256)) * 3)
    image.save(path)


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (tmp_path / "JPEGImages").mkdir()
    for name, split in (("one", "train"), ("two", "val")):
        Image.new("RGB", (3, 2)).save(tmp_path / "JPEGImages" / f"{name}.jpg")
        write_mask(tmp_path / "SegmentationClass" / f"{name}.png", LABELS)
        (lists / f"{split}.txt").write_text(f"{name}\n\n")
    return tmp_path


def test_a_split_has_pictures_and_the_classes_of_their_pixels(voc: Path) -> None:
    found = load_voc_segmentation(voc)
    assert (len(found.train), len(found.val)) == (1, 1)
    assert found.classes == VOC_CLASSES
    assert len(VOC_CLASSES) == 21
    pixels, labels = read_labelled(found.val, 0, 3)
    assert pixels.shape == (2, 3, 3)
    np.testing.assert_array_equal(labels, LABELS)


def test_extra_annotations_are_for_training(voc: Path) -> None:
    for name in ("two", "three"):
        write_mask(voc / "SegmentationClassAug" / f"{name}.png", LABELS)
    Image.new("RGB", (3, 2)).save(voc / "JPEGImages" / "three.jpg")
    (voc / "ImageSets" / "Segmentation" / "trainaug.txt").write_text("one\nthree\n")
    found = load_voc_segmentation(voc)
    assert [path.parent.name for path in found.train.masks] == ["SegmentationClass", "SegmentationClassAug"]
    assert [path.parent.name for path in found.val.masks] == ["SegmentationClass"]


def test_names_of_classes_are_read(voc: Path) -> None:
    (voc / "classes.txt").write_text("background\nroad\nsky\n")
    assert load_voc_segmentation(voc).classes == ("background", "road", "sky")
    (voc / "classes.txt").write_text("background\n")
    with pytest.raises(DataError, match=r"classes\.txt has 1 classes; there must be 2 to 255"):
        load_voc_segmentation(voc)


@pytest.mark.parametrize("name", ["classes.txt", "ImageSets/Segmentation/train.txt"])
def test_a_list_that_is_not_utf_8_is_named(voc: Path, name: str) -> None:
    (voc / name).write_bytes(b"stra\xdfe\n")
    with pytest.raises(DataError, match=f"{name} is not UTF-8 text"):
        load_voc_segmentation(voc)


def test_missing_files_are_named(voc: Path) -> None:
    (voc / "SegmentationClass" / "two.png").unlink()
    with pytest.raises(DataAwayError, match=r"there is no file .*SegmentationClass/two\.png, which .*val\.txt lists"):
        load_voc_segmentation(voc)
    (voc / "ImageSets" / "Segmentation" / "val.txt").write_text("\n")
    with pytest.raises(EmptySplitError, match=r"val\.txt lists no image"):
        load_voc_segmentation(voc)
    (voc / "ImageSets" / "Segmentation" / "train.txt").write_text("../one\n")
    with pytest.raises(DataError, match=r"lists '\.\./one', which must be the name of a picture"):
        load_voc_segmentation(voc)
    (voc / "ImageSets" / "Segmentation" / "train.txt").unlink()
    with pytest.raises(DataAwayError, match=r"there is no file .*train\.txt"):
        load_voc_segmentation(voc)


def test_masks_that_do_not_fit_are_named(voc: Path) -> None:
    train = load_voc_segmentation(voc).train
    with pytest.raises(DataError, match=r"one\.png has the class 2; classes are 0 to 1, and 255"):
        read_labelled(train, 0, 2)
    write_mask(train.masks[0], np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"one\.png is 4x4 pixels, and its picture 3x2"):
        read_labelled(train, 0, 3)
    Image.new("RGB", (3, 2)).save(train.masks[0])
    with pytest.raises(UnreadableImageError, match=r"it has mode RGB; a mask must have a palette or be grey"):
        read_mask(train.masks[0])
    train.masks[0].write_bytes(b"no picture")
    with pytest.raises(UnreadableImageError, match=r"one\.png"):
        read_mask(train.masks[0])
