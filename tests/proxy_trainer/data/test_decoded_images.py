from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data import decoded_images
from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.data.images import load_image, resize_and_pad
from proxy_trainer.errors import DataError, UnreadableImageError


def _load(folder: Path) -> CocoSplit:
    return load_split(folder / "images", folder / "annotations.json")


def test_pixels_boxes_and_classes(edge_case_coco: Path, tmp_path: Path) -> None:
    split = _load(edge_case_coco)
    found = decode_split(split, 96, tmp_path / "cache")
    assert found.pixels.shape == (12, 96, 96, 3)
    assert found.pixels.dtype == np.uint8
    assert not found.pixels.flags.writeable
    for index in range(12):
        pixels, scale = resize_and_pad(load_image(split.path(index)), 96)
        assert (found.pixels[index] == pixels).all()
        assert found.scales[index] == np.float32(scale)
        height, width = found.sizes[index]
        assert not found.pixels[index, height:].any()
        assert not found.pixels[index, :, width:].any()
    assert found.boxes.shape == (12, 2, 4)
    assert found.classes.shape == (12, 2)
    # The wide image, 200 x 133 pixels: its two boxes in the order of the file, as y1, x1, y2, x2.
    assert found.classes[0].tolist() == [1, 0]
    assert found.boxes[0] / 0.48 == pytest.approx(np.array([[40, 110, 100, 170], [30, 20, 80, 70]]))
    assert found.classes[8].tolist() == [0, -1], "a crowd is not a positive"
    assert found.classes[9].tolist() == [-1, -1]
    assert not found.boxes[9].any()
    assert found.boxes[10][0].tolist() == pytest.approx([22.5, 0, 52.5, 18.75])


def test_the_cache_is_valid_until_an_input_changes(edge_case_coco: Path, tmp_path: Path) -> None:
    cache, calls = tmp_path / "cache", []

    def decodes(image_px: int = 64) -> bool:
        calls.clear()
        decode_split(_load(edge_case_coco), image_px, cache, progress=lambda done, total: calls.append((done, total)))
        return bool(calls)

    assert decodes()
    assert calls == [(12, 12)]
    assert not decodes()
    assert decodes(image_px=72)
    os.utime(edge_case_coco / "images" / "wide.jpg", (1, 1))
    assert decodes()
    assert not decodes()
    file = edge_case_coco / "annotations.json"
    file.write_text(file.read_text() + " ")
    assert decodes()
    assert not decodes()


def test_concurrent_workers_share_one_result(edge_case_coco: Path, tmp_path: Path) -> None:
    split = _load(edge_case_coco)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: decode_split(split, 64, tmp_path / "cache", threads=1), range(4)))
    assert all((each.pixels == found[0].pixels).all() for each in found)
    assert [path.name.startswith("decoded-64px-") for path in (tmp_path / "cache").iterdir()] == [True]


@pytest.mark.parametrize("damage", ["truncated", "missing", "size"])
def test_a_bad_image_is_named_and_no_file_is_left(edge_case_coco: Path, tmp_path: Path, damage: str) -> None:
    path = edge_case_coco / "images" / "cmyk.jpg"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-500])
        expected, message = UnreadableImageError, r"cannot read the image .*cmyk\.jpg: .*truncated"
    elif damage == "missing":
        path.unlink()
        expected, message = UnreadableImageError, r"cannot read the image .*cmyk\.jpg: there is no such file"
    else:
        path.write_bytes((edge_case_coco / "images" / "wide.jpg").read_bytes())
        expected, message = DataError, r"cmyk\.jpg is 200x133 pixels, but .*annotations\.json says 120x90$"
    with pytest.raises(expected, match=message):
        decode_split(_load(edge_case_coco), 64, tmp_path / "cache")
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())


def test_a_turned_image_is_packed_as_the_annotations_mean_it(edge_case_coco: Path, tmp_path: Path) -> None:
    stored = decode_split(_load(edge_case_coco), 64, tmp_path / "cache")
    file = edge_case_coco / "annotations.json"
    file.write_text(file.read_text().replace('"width": 140, "height": 70', '"width": 70, "height": 140'))
    upright = decode_split(_load(edge_case_coco), 64, tmp_path / "cache")
    assert stored.sizes[7].tolist() == [32, 64]
    assert upright.sizes[7].tolist() == [64, 32]
    # Orientation 6: what is stored is to be turned by a quarter, clockwise.
    turned = np.rot90(stored.pixels[7, :32], -1)
    assert abs(upright.pixels[7, :, :32].astype(int) - turned).mean() < 3


def test_a_size_that_is_not_that_of_the_turned_image_either_is_refused(edge_case_coco: Path, tmp_path: Path) -> None:
    file = edge_case_coco / "annotations.json"
    file.write_text(file.read_text().replace('"width": 140, "height": 70', '"width": 70, "height": 141'))
    with pytest.raises(DataError, match=r"turned\.jpg is 140x70 pixels, but .*annotations\.json says 70x141$"):
        decode_split(_load(edge_case_coco), 64, tmp_path / "cache")


def test_a_full_disk_gives_a_one_line_error(
    edge_case_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(decoded_images, "_write_pixels", full)
    with pytest.raises(DataError, match=r"cannot write the image cache .*decoded-64px-.*: no space left on the disk"):
        decode_split(_load(edge_case_coco), 64, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
