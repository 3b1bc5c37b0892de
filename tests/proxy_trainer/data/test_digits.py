from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from proxy_trainer.data import digit_splits
from proxy_trainer.data.coco import load_split
from proxy_trainer.data.digits import make_digits
from proxy_trainer.errors import DataError
from search_space.errors import InvalidValueError


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _partial_paths(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(".partial")]


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert make_digits(tmp_path / name, train=6, val=3, seed=5).created
    make_digits(tmp_path / "other", train=6, val=3, seed=6)
    a, b, other = (_hashes(tmp_path / name) for name in ("a", "b", "other"))
    assert a == b
    assert len(a) == 12
    assert not _partial_paths(tmp_path)
    assert not {a[name] for name in a if name.endswith(".jpg")} & set(other.values())


def test_an_image_does_not_depend_on_how_many_are_made(tmp_path: Path) -> None:
    make_digits(tmp_path / "few", train=3, val=2)
    make_digits(tmp_path / "more", train=5, val=4)
    few, more = _hashes(tmp_path / "few"), _hashes(tmp_path / "more")
    images = [name for name in few if name.endswith(".jpg")]
    assert len(images) == 5
    assert all(few[name] == more[name] for name in images)


def test_boxes_and_areas_are_those_of_the_masks(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=20, val=1)
    document = json.loads((tmp_path / "digits" / "annotations" / "instances_train.json").read_text())
    assert set(document) == {"info", "licenses", "images", "annotations", "categories"}
    images = {image["id"]: image for image in document["images"]}
    assert len({annotation["id"] for annotation in document["annotations"]}) == len(document["annotations"])
    for annotation in document["annotations"]:
        image = images[annotation["image_id"]]
        mask = rle.decode({**annotation["segmentation"], "counts": annotation["segmentation"]["counts"].encode()})
        assert mask.shape == (image["height"], image["width"])
        rows, columns = np.nonzero(mask)
        x, y, width, height = annotation["bbox"]
        assert (columns.min(), rows.min()) == (x, y)
        assert (columns.max() + 1 - columns.min(), rows.max() + 1 - rows.min()) == (width, height)
        assert annotation["area"] == mask.sum()
        assert annotation["iscrowd"] == 0
    for image in images.values():
        with Image.open(tmp_path / "digits" / "train" / image["file_name"]) as stored:
            assert stored.size == (image["width"], image["height"])
            assert stored.format == "JPEG"


def test_scales_span_the_pyramid_and_sizes_vary(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=120, val=1)
    split = load_split(tmp_path / "digits" / "train", tmp_path / "digits" / "annotations" / "instances_train.json")
    long_px = split.boxes[:, 2:].max(axis=1)
    assert 5 < long_px.min() < 12
    assert 85 < long_px.max() < 150
    for low, high in ((0, 16), (16, 32), (32, 64), (64, 200)):
        assert ((long_px >= low) & (long_px < high)).mean() > 0.12
    assert 2 < len(split.boxes) / len(split) < 4
    assert np.bincount(split.box_images).max() <= 6
    assert len(np.unique(split.sizes, axis=0)) > 20
    assert (split.sizes.max(axis=1) > 128).any()


def test_training_and_validation_share_no_glyph() -> None:
    train, val = digit_splits.split_glyphs(seed=3)
    seen = {spline.tobytes() for spline in train.splines}
    assert len(train.digits) + len(val.digits) == 1797
    assert not seen & {spline.tobytes() for spline in val.splines}


@pytest.mark.parametrize(("categories", "names"), [(1, ["digit"]), (10, [str(digit) for digit in range(10)])])
def test_categories(tmp_path: Path, categories: int, names: list[str]) -> None:
    make_digits(tmp_path / "digits", train=12, val=1, categories=categories)
    document = json.loads((tmp_path / "digits" / "annotations" / "instances_train.json").read_text())
    assert [category["name"] for category in document["categories"]] == names
    assert [category["id"] for category in document["categories"]] == list(range(1, categories + 1))
    used = {annotation["category_id"] for annotation in document["annotations"]}
    assert used <= set(range(1, categories + 1))
    assert (len(used) > 4) == (categories == 10)


def test_an_equal_call_reuses_the_directory_and_another_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    make_digits(folder, train=3, val=2)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert not make_digits(folder, train=3, val=2).created
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    with pytest.raises(DataError, match=r"digits holds another digits data set \(train 3 instead of 4\); remove it"):
        make_digits(folder, train=4, val=2)
    (folder / "val" / "000001.jpg").unlink()
    with pytest.raises(DataError, match=r"val holds 1 images instead of 2; remove .*digits and make it again"):
        make_digits(folder, train=3, val=2)


def test_existing_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match=r"full holds other files; give a directory that is empty"):
        make_digits(tmp_path / "full", train=1, val=1)
    with pytest.raises(DataError, match=r"thesis\.tex is a file; give a directory"):
        make_digits(tmp_path / "full" / "thesis.tex", train=1, val=1)
    (tmp_path / "empty").mkdir()
    assert make_digits(tmp_path / "empty", train=1, val=1).created
    with pytest.raises(DataError, match=r"cannot write the digits data set to .*thesis\.tex/below: Not a directory"):
        make_digits(tmp_path / "full" / "thesis.tex" / "below", train=1, val=1)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_an_interrupted_run_leaves_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    save, calls = digit_splits.save_jpeg, []

    def interrupted(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == 3:
            raise interruption
        save(*arguments)

    monkeypatch.setattr(digit_splits, "save_jpeg", interrupted)
    expected = KeyboardInterrupt if isinstance(interruption, KeyboardInterrupt) else DataError
    with pytest.raises(expected) as caught:
        make_digits(tmp_path / "digits", train=5, val=1)
    assert list(tmp_path.iterdir()) == []
    if expected is DataError:
        assert str(caught.value).endswith("digits: no space left on the disk")


def test_concurrent_calls_create_one_directory(tmp_path: Path) -> None:
    folder = tmp_path / "digits"

    def race(done: int, total: int) -> None:
        if done == 1:
            make_digits(folder, train=2, val=1)

    assert not make_digits(folder, train=2, val=1, progress=race).created
    assert not _partial_paths(tmp_path)
    assert not make_digits(folder, train=2, val=1).created


@pytest.mark.parametrize(
    ("argument", "value"), [("train", 0), ("val", -1), ("seed", -1), ("image_px", 8), ("categories", 3)]
)
def test_bad_arguments_are_named(tmp_path: Path, argument: str, value: int) -> None:
    with pytest.raises(InvalidValueError, match=rf"{argument} must be .*{value}") as caught:
        make_digits(tmp_path / "digits", **{argument: value})
    assert caught.value.field == argument
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("heights", [(5, 30), (30, 10), (10, 129), (float("nan"), 30)])
def test_invalid_heights_are_refused(tmp_path: Path, heights: tuple[float, float]) -> None:
    with pytest.raises(InvalidValueError, match=r"object_px is .*; it must be two heights in pixels, .* 6 to 128"):
        make_digits(tmp_path / "digits", object_px=heights)


def test_digits_have_the_heights_that_were_asked_for(tmp_path: Path) -> None:
    for name, heights in (("small", (8, 20)), ("large", (60, 110))):
        make_digits(tmp_path / name, train=40, val=1, object_px=heights)
        split = load_split(tmp_path / name / "train", tmp_path / name / "annotations" / "instances_train.json")
        median = np.median(split.boxes[:, 3])  # a rotated or slanted digit has another height
        assert 0.8 * heights[0] < median < 1.2 * heights[1]


def test_a_data_set_of_a_version_without_heights_is_reused(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=3, val=2)
    manifest = tmp_path / "digits" / "effspine-digits.json"
    parameters = json.loads(manifest.read_text())
    del parameters["object_px"]
    manifest.write_text(json.dumps(parameters))
    assert not make_digits(tmp_path / "digits", train=3, val=2).created
    with pytest.raises(DataError, match=r"object_px \[10.0, 110.0\] instead of \[10.0, 32.0\]"):
        make_digits(tmp_path / "digits", train=3, val=2, object_px=(10.0, 32.0))


def test_progress_counts_every_image(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    make_digits(tmp_path / "digits", train=2, val=1, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_several_processes_give_the_same_bytes_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_digits(tmp_path / "one", train=20, val=12)
    monkeypatch.setattr(digit_splits, "_IMAGES_PER_PROCESS", 8)
    monkeypatch.setattr(digit_splits, "_CHUNK_IMAGES", 3)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1})
    make_digits(tmp_path / "two", train=20, val=12)
    assert _hashes(tmp_path / "one") == _hashes(tmp_path / "two")
