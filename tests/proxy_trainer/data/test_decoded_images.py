from __future__ import annotations

import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data import decoded_images
from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.data.images import load_image, resize_and_pad
from proxy_trainer.errors import DataError, DiskFullError, UnreadableImageError


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


def test_the_cache_is_valid_until_an_input_changes(
    edge_case_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, decoded = tmp_path / "cache", list[int]()
    decode = decoded_images.decode_image

    def noted(split: CocoSplit, index: int, content: bytes) -> np.ndarray:
        decoded.append(index)
        return decode(split, index, content)

    monkeypatch.setattr(decoded_images, "decode_image", noted)

    def decodes(image_px: int = 64) -> bool:
        decoded.clear()
        decode_split(_load(edge_case_coco), image_px, cache)
        return bool(decoded)

    assert decodes()
    assert sorted(decoded) == list(range(12))
    assert not decodes()
    assert decodes(image_px=72)
    wide = edge_case_coco / "images" / "wide.jpg"
    os.utime(wide, (1, 1))
    assert decodes()
    assert not decodes()
    content = wide.read_bytes()
    wide.write_bytes(content)
    os.utime(wide, (1, 1))
    assert decodes(), "its date was put back, but not the time of that change"
    (edge_case_coco / "images" / "copy").write_bytes(content)
    os.utime(edge_case_coco / "images" / "copy", (1, 1))
    (edge_case_coco / "images" / "copy").rename(wide)
    assert decodes(), "another file has taken its place"
    file = edge_case_coco / "annotations.json"
    file.write_text(file.read_text().replace('"bbox": [20', '"bbox": [21'))
    assert not decodes(), "boxes change no pixel"
    file.write_text(file.read_text().replace('"width": 140, "height": 70', '"width": 70, "height": 140'))
    assert decodes(), "another size of a turned image does"


def test_what_is_damaged_is_made_again_with_the_same_content(
    edge_case_coco: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = _load(edge_case_coco)
    first = decode_split(split, 64, tmp_path)
    wanted = np.array(first.pixels)
    (file,) = tmp_path.glob("decoded-64px-*/pixels.npy")
    for damaged in (b"", file.read_bytes()[:-1], file.read_bytes()[:-9] + b"123456789"):
        file.unlink()
        file.write_bytes(damaged)
        again = decode_split(split, 64, tmp_path)
        assert (np.asarray(again.pixels) == wanted).all()
        assert (again.image_digests == first.image_digests).all()
    assert (np.asarray(first.pixels) == wanted).all(), "a worker that still reads the first one is not disturbed"
    assert caplog.text.count("is damaged (pixels.npy") == 3
    assert len(list(tmp_path.glob("*decoded*"))) == 1


def test_it_shows_that_it_goes_on_and_ends_where_that_raises(edge_case_coco: Path, tmp_path: Path) -> None:
    split, calls = _load(edge_case_coco), list[int]()

    class StopError(Exception):
        pass

    def stop_at(call: int) -> None:
        calls.append(call)
        if len(calls) == call:
            raise StopError

    decode_split(split, 64, tmp_path, alive=lambda: calls.append(0))
    to_make = len(calls)
    assert to_make >= 3  # for the images looked at, decoded, and checked
    for call in range(1, to_make + 1):
        calls.clear()
        with pytest.raises(StopError):
            decode_split(split, 72, tmp_path / "cut", alive=lambda call=call: stop_at(call))  # type: ignore[misc]
        assert not list((tmp_path / "cut").glob(".*"))
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)


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


@pytest.mark.parametrize(
    ("number", "why"), [(errno.ENOSPC, "no space left on the disk"), (errno.EDQUOT, "the disk quota is used up")]
)
def test_a_full_disk_is_waited_for_and_nothing_is_left(
    edge_case_coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, why: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError, match=rf"cannot write the image cache .*decoded-64px-.*: {why}$") as found:
        decode_split(_load(edge_case_coco), 64, tmp_path / "cache")
    assert (found.value.kind, found.value.reaction) == ("disk-full", "wait")
    assert not list((tmp_path / "cache").iterdir())
