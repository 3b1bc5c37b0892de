"""Directories of pictures by class: what is found, how it is cropped, and bad ones that are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.image_folder import central_crop, load_image_folder, training_crop
from proxy_trainer.errors import DataAwayError, DataError, EmptySplitError, UnreadableImageError


def write(path: Path, size: tuple[int, int] = (40, 30), colour: int = 128) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour, 0, 0)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train/dog/b.jpg", "train/dog/a.png", "train/cat/c.JPG", "val/dog/d.jpeg"):
        write(tmp_path / name)
    (tmp_path / "train" / "dog" / "notes.txt").write_text("no picture")
    (tmp_path / "train" / ".cache").mkdir()
    return tmp_path


def test_classes_are_directories_in_alphabetical_order(folder: Path) -> None:
    found = load_image_folder(folder)
    assert found.classes == ("cat", "dog")
    assert [path.name for path in found.train.paths] == ["c.JPG", "a.png", "b.jpg"]
    assert found.train.labels.tolist() == [0, 1, 1]
    assert found.val.labels.tolist() == [1]


def test_a_directory_of_another_layout_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataAwayError, match=r"there is no directory .*nothing/train; the layout is train/CLASS/\*\.jpg"
    ):
        load_image_folder(tmp_path / "nothing")
    write(folder / "val" / "cow" / "e.jpg")
    with pytest.raises(DataError, match=r"val has the class 'cow', which .*train has not"):
        load_image_folder(folder)


def test_classes_without_pictures_are_named(folder: Path) -> None:
    (folder / "train" / "ant").mkdir()
    with pytest.raises(EmptySplitError, match=r"train/ant has no picture"):
        load_image_folder(folder)
    (folder / "train" / "ant").rmdir()
    (folder / "val" / "dog" / "d.jpeg").unlink()
    with pytest.raises(EmptySplitError, match=r"val has no picture to score"):
        load_image_folder(folder)


def test_one_class_cannot_be_learned(tmp_path: Path) -> None:
    write(tmp_path / "train" / "only" / "a.jpg")
    (tmp_path / "val").mkdir()
    with pytest.raises(DataError, match="has 1 classes; there must be at least two"):
        load_image_folder(tmp_path)


def gradient(path: Path, height: int, width: int) -> None:
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([rows * 2, columns * 2, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(path)


def test_the_central_crop_is_square_and_leaves_out_the_border(tmp_path: Path) -> None:
    gradient(tmp_path / "a.png", 100, 60)
    whole = central_crop(tmp_path / "a.png", 60, 0)
    np.testing.assert_array_equal(whole[0, 0], [40, 0, 0])
    np.testing.assert_array_equal(whole[-1, -1], [158, 118, 0])
    # A crop of 30 of 60 pixels, enlarged to 30 pixels: rows 35 to 64 and columns 15 to 44.
    inner = central_crop(tmp_path / "a.png", 30, 30)
    np.testing.assert_array_equal(inner[[0, -1], [0, -1]], [[70, 30, 0], [128, 88, 0]])


def test_training_crops_are_parts_of_the_picture_of_the_stated_area(tmp_path: Path) -> None:
    gradient(tmp_path / "a.png", 100, 60)
    extents = []
    for seed in range(200):
        crop = training_crop(tmp_path / "a.png", 32, 0.25, False, np.random.default_rng(seed)).astype(float)
        height, width = (np.ptp(crop[..., axis]) / 2 * 32 / 31 for axis in (0, 1))
        extents.append((height, width))
    areas = np.array([height * width / 6000 for height, width in extents])
    assert areas.min() > 0.2
    assert areas.max() > 0.8
    assert 0.3 < np.median(areas) < 0.8
    assert len({tuple(extent) for extent in extents}) > 100


def test_half_of_the_crops_are_mirrored(tmp_path: Path) -> None:
    gradient(tmp_path / "a.png", 60, 60)
    crops = [training_crop(tmp_path / "a.png", 16, 0.9, True, np.random.default_rng(seed)) for seed in range(100)]
    mirrored = sum(crop[0, 0, 1] > crop[0, -1, 1] for crop in crops)
    assert 30 < mirrored < 70


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 no more")
    with pytest.raises(UnreadableImageError, match=r"a\.jpg"):
        central_crop(tmp_path / "a.jpg", 32, 0)
