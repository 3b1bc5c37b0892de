"""Which data sets are refused before any campaign, and the counted warnings of the others."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data import image_checks
from proxy_trainer.data.digits import make_digits
from proxy_trainer.data.judgement import DatasetReport, judge_dataset
from proxy_trainer.errors import DataError
from search_space.proxy_task import resolve
from tests.support.annotation_tools import CASES, document, save_folder, save_image, save_splits, with_fields

WARNINGS: dict[str, dict[str, int]] = {
    "annotation-without-image": {"annotation-without-image": 1, "too-few-boxes": 1},
    "area-negative": {"area-invalid": 2},
    "box-empty": {"annotation-without-box": 1, "too-few-boxes": 1},
    "box-from-polygon": {"box-from-outline": 1},
    "boxes-as-corners": {"boxes-as-corners": 2, "box-beyond-image": 2},
    "boxes-as-fractions": {"area-larger-than-box": 2, "boxes-as-fractions": 2, "no-object-on-a-level": 2},
    "category-twice": {"category-twice": 1},
    "names-in-another-case": {"name-case": 1},
    "names-out-of-the-folder": {"name-last-part": 1},
    "names-quoted": {"name-unquoted": 1},
    "one-file-twice": {"image-twice": 1},
    "png-of-16-bits": {"sixteen-bit": 1},
    "root-category": {"root-category": 1},
    "sizes-missing": {"size-from-file": 2},
    "splits-with-capitals": {"val-in-train": 2},
    "splits-with-other-category-ids": {"category-ids-differ": 2, "val-in-train": 2},
    "turned-with-upright-sizes": {"orientation-applied": 1},
    "upside-down": {"orientation-ambiguous": 1},
    "val-is-train": {"val-in-train": 2},
}
REFUSALS = {"annotations-are-numbers": "data", "encoding-cp1252": "data", "no-image-there": "data-away"}


def warnings_of(report: DatasetReport) -> dict[str, int]:
    return {each.kind: each.count for each in report.warnings}


def refusals_of(report: DatasetReport) -> dict[str, int]:
    return {each.kind: each.count for each in report.refusals}


def changed(tmp_path: Path, *changes: tuple[str, int, dict[str, Any]]) -> DatasetReport:
    """The judgement of the plain folder with the fields of some entries replaced."""
    save_folder(tmp_path, with_fields(*changes))
    return judge_dataset(tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_what_annotation_tools_write_is_accepted_with_counts_or_refused(name: str, tmp_path: Path) -> None:
    CASES[name](tmp_path)
    report = judge_dataset(tmp_path)
    assert [each.kind for each in report.refusals] == ([REFUSALS[name]] if name in REFUSALS else [])
    assert warnings_of(report) == WARNINGS.get(name, {})
    assert report.to_dict()["warnings"] == [each.to_dict() for each in report.warnings]
    assert all(each.message and (each.examples or each.kind == "too-few-boxes") for each in report.warnings)


def test_a_data_set_that_is_not_odd_has_no_warning(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=20, val=10, seed=1)
    seen: list[tuple[int, int]] = []
    report = judge_dataset(tmp_path / "digits", progress=lambda done, total: seen.append((done, total)))
    assert (report.warnings, report.refusals) == ((), ())
    assert [report.splits[name]["images"] for name in ("train", "val")] == [20, 10]
    assert seen[-1] == (30, 30)
    report.raise_if_refused()


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff"])
def test_a_set_without_any_image_that_opens_is_refused(tmp_path: Path, content: bytes) -> None:
    save_folder(tmp_path, document())
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "images" / name).write_bytes(content)
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"image-unreadable": 2}
    with pytest.raises(DataError, match=r"2 of 2 images of .*annotations\.json cannot be read: .*a\.jpg: "):
        report.raise_if_refused()


def test_a_truncated_image_is_found_though_its_header_is_whole(tmp_path: Path) -> None:
    save_folder(tmp_path, document())
    path = tmp_path / "images" / "b.jpg"
    path.write_bytes(path.read_bytes()[:700])
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"image-unreadable": 1}
    assert "truncated" in report.refusals[0].message


def test_every_image_is_decoded_on_request_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_checks, "DECODED_IMAGES", 2)
    plain = document()
    for number, name in enumerate(("c.jpg", "d.jpg"), 3):
        plain["images"].append({"id": number, "file_name": name, "width": 40, "height": 30})
    save_folder(tmp_path, plain, names=("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    path = tmp_path / "images" / "b.jpg"
    path.write_bytes(path.read_bytes()[:700])
    report = judge_dataset(tmp_path)
    assert (report.refusals, report.splits["train"]["images_decoded"]) == ((), 2)
    report = judge_dataset(tmp_path, every_image=True)
    assert (refusals_of(report), report.splits["train"]["images_decoded"]) == ({"image-unreadable": 1}, 4)


def test_a_missing_image_of_several_is_refused_with_a_remedy(tmp_path: Path) -> None:
    save_folder(tmp_path, document(), names=("a.jpg",))
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"image-missing": 1}
    assert report.splits["train"]["missing_images"] == [str(tmp_path / "images" / "b.jpg")]
    assert report.refusals[0].message == (
        f"1 of 2 images of {tmp_path / 'annotations.json'} are missing; the first is {tmp_path / 'images' / 'b.jpg'}; "
        f"`effspine data fix {tmp_path} --out DIR2` writes the data set without them"
    )


def test_a_named_pipe_does_not_block(tmp_path: Path) -> None:
    save_folder(tmp_path, document(), names=("a.jpg",))
    os.mkfifo(tmp_path / "images" / "b.jpg")
    assert refusals_of(judge_dataset(tmp_path)) == {"image-unreadable": 1}


def test_an_image_of_another_size_is_refused(tmp_path: Path) -> None:
    report = changed(tmp_path, ("images", 1, {"width": 80}))
    assert refusals_of(report) == {"image-size-differs": 1}
    assert "is 40x30 pixels, but" in report.refusals[0].message


@pytest.mark.parametrize(
    "annotations",
    [[], [{**document()["annotations"][0], "iscrowd": 1}], [{**document()["annotations"][0], "bbox": [90, 5, 4, 4]}]],
    ids=["none", "a crowd", "outside"],
)
def test_a_set_without_any_box_is_refused(tmp_path: Path, annotations: list[Any]) -> None:
    save_folder(tmp_path, {**document(), "annotations": annotations})
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"empty-split": 1}
    assert "has no box" in report.refusals[0].message


def test_a_validation_split_without_a_box_is_refused(tmp_path: Path) -> None:
    save_splits(tmp_path, {"train": document(), "val": {**document(), "annotations": []}})
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"empty-split": 1}
    assert "instances_val.json" in report.refusals[0].message


def test_a_single_image_cannot_be_trained_on_and_scored(tmp_path: Path) -> None:
    single = {**document(), "images": document()["images"][:1], "annotations": document()["annotations"][:1]}
    save_folder(tmp_path, single)
    assert refusals_of(judge_dataset(tmp_path)) == {"empty-reserved-set": 1}


def test_all_refusals_are_named_in_one_line(tmp_path: Path) -> None:
    save_folder(tmp_path, {**document(), "annotations": []}, names=("a.jpg",))
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"image-missing": 1, "empty-split": 1}
    with pytest.raises(DataError) as raised:
        report.raise_if_refused()
    assert "; also: " in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_categories_in_the_other_split_are_refused(tmp_path: Path) -> None:
    val = document()
    val["categories"][0]["name"] = "y"
    save_splits(tmp_path, {"train": document(), "val": val})
    report = judge_dataset(tmp_path)
    assert refusals_of(report) == {"data": 1}
    assert "has 1 category not in" in report.refusals[0].message


@pytest.mark.parametrize(
    ("orientation", "stored", "kinds"),
    [
        (1, (40, 30), {}),
        (2, (40, 30), {"orientation-ambiguous": 1}),
        (4, (40, 30), {"orientation-ambiguous": 1}),
        (6, (40, 30), {"orientation-ignored": 1}),
        (5, (30, 40), {"orientation-applied": 1}),
        (8, (30, 40), {"orientation-applied": 1}),
        (9, (40, 30), {}),
    ],
)
def test_it_is_said_how_a_turned_picture_is_taken(
    tmp_path: Path, orientation: int, stored: tuple[int, int], kinds: dict[str, int]
) -> None:
    save_folder(tmp_path, document())
    save_image(tmp_path / "images" / "a.jpg", stored, orientation=orientation)
    assert warnings_of(judge_dataset(tmp_path)) == kinds


def test_a_turned_square_is_ambiguous(tmp_path: Path) -> None:
    save_folder(tmp_path, with_fields(("images", 0, {"width": 30})))
    save_image(tmp_path / "images" / "a.jpg", (30, 30), orientation=6)
    assert warnings_of(judge_dataset(tmp_path)) == {"orientation-ambiguous": 1}


def test_a_damaged_image_of_16_bits_is_refused_and_the_others_counted(tmp_path: Path) -> None:
    save_folder(tmp_path, document())
    for name, largest in (("a.jpg", 4000), ("b.jpg", 60000)):
        values = np.random.default_rng(0).integers(0, largest, (30, 40)).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / "images" / name, "PNG")
    report = judge_dataset(tmp_path)
    assert warnings_of(report) == {"sixteen-bit": 2}
    assert "12 bits in 1, 16 bits in 1" in report.warnings[0].message
    path = tmp_path / "images" / "b.jpg"
    path.write_bytes(path.read_bytes()[:400])
    report = judge_dataset(tmp_path)
    assert (warnings_of(report), refusals_of(report)) == ({"sixteen-bit": 1}, {"image-unreadable": 1})


def test_one_file_under_two_names_is_one_file(tmp_path: Path) -> None:
    save_folder(tmp_path, document(), names=("a.jpg",))
    (tmp_path / "images" / "b.jpg").symlink_to("a.jpg")
    assert warnings_of(judge_dataset(tmp_path)) == {"image-twice": 1}


def test_validation_images_are_compared_by_content(tmp_path: Path) -> None:
    save_splits(tmp_path, {"train": document(), "val": document()})
    for number, path in enumerate(sorted(tmp_path.glob("*/*.jpg"))):
        pixels = np.full((30, 40, 3), 50 * number, np.uint8)
        Image.fromarray(pixels).save(path)
    assert warnings_of(judge_dataset(tmp_path)) == {}
    (tmp_path / "val" / "b.jpg").write_bytes((tmp_path / "train" / "a.jpg").read_bytes())
    report = judge_dataset(tmp_path)
    assert warnings_of(report) == {"val-in-train": 1}
    assert report.warnings[0].examples == ("b.jpg is a.jpg",)
    assert "1 image of 2" in report.warnings[0].message


@pytest.mark.parametrize("path", ["missing", "file.zip", "empty"])
def test_what_is_no_data_set_is_refused_in_words(tmp_path: Path, path: str) -> None:
    (tmp_path / "file.zip").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    report = judge_dataset(tmp_path / path)
    assert (len(report.refusals), report.splits) == (1, {})
    assert ("unpack the archive: unzip" in report.refusals[0].message) == (path == "file.zip")


@pytest.mark.parametrize(("with_boxes", "kinds"), [(1, {"too-few-boxes": 1}), (2, {"too-few-boxes": 2}), (5, {})])
def test_boxes_in_few_images_may_not_reach_both_sides(tmp_path: Path, with_boxes: int, kinds: dict[str, int]) -> None:
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 40, "height": 30} for n in range(25)]
    annotations = [{"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 10, 12]} for n in range(with_boxes)]
    given = {**document(), "images": images, "annotations": annotations}
    save_folder(tmp_path / "single", given, names=tuple(f"{n}.jpg" for n in range(25)))
    assert warnings_of(judge_dataset(tmp_path / "single")) == kinds
    save_splits(tmp_path / "both", {"train": document(), "val": document()})
    (tmp_path / "both" / "annotations" / "instances_val.json").write_text(json.dumps(given))
    for n in range(25):
        save_image(tmp_path / "both" / "val" / f"{n}.jpg")
    task = resolve("laptop", reserved_images=5)
    expected = kinds | {"val-in-train": 10}
    assert warnings_of(judge_dataset(tmp_path / "both", task)) == expected
