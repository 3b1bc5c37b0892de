"""A fixed copy holds what was understood, in a form in which nothing has to be interpreted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.dataset_fix import FixedDataset, fix_dataset
from proxy_trainer.data.images import read_image
from proxy_trainer.data.judgement import judge_dataset
from proxy_trainer.errors import DataError
from tests.support.annotation_tools import CASES, document, save_folder, save_image, save_splits, with_fields

REFUSED = {"annotations-are-numbers", "encoding-cp1252", "no-image-there"}
OF_CONTENT = {
    *("too-few-boxes", "boxes-as-corners", "box-beyond-image", "boxes-as-fractions", "no-object-on-a-level"),
    *("image-twice", "val-in-train", "area-larger-than-box"),
}
"""What a copy cannot mend without a decision about its meaning."""


def fixed(directory: Path) -> FixedDataset:
    return fix_dataset(directory, directory.parent / "fixed", lambda done, total: None)


@pytest.mark.parametrize("name", sorted(CASES.keys() - REFUSED))
def test_a_fixed_copy_has_the_same_content_and_needs_no_interpretation(name: str, tmp_path: Path) -> None:
    CASES[name](tmp_path / "given")
    given = judge_dataset(tmp_path / "given")
    copy = judge_dataset(fixed(tmp_path / "given").directory, every_image=True)
    assert copy.refusals == ()
    assert {each.kind for each in copy.warnings} == {each.kind for each in given.warnings} & OF_CONTENT
    for split in given.loaded:
        old, new = given.loaded[split], copy.loaded[split]
        for array in ("image_ranks", "sizes", "box_images", "boxes", "categories", "areas", "crowd"):
            np.testing.assert_array_equal(getattr(old, array), getattr(new, array))
        assert old.category_names == new.category_names
        for index in range(len(old)):
            np.testing.assert_array_equal(read_image(old, index), read_image(new, index))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_understood_is_not_fixed(name: str, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    CASES[name](tmp_path / "given")
    with pytest.raises(DataError, match=r"annotations\.json"):
        fixed(tmp_path / "given")
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_images_that_cannot_be_used_are_left_out_and_counted(tmp_path: Path) -> None:
    given = document()
    for number, name in enumerate(("c.jpg", "d.jpg"), 3):
        given["images"].append({"id": number, "file_name": name, "width": 40, "height": 30})
        given["annotations"].append({"id": number, "image_id": number, "category_id": 1, "bbox": [1, 1, 9, 9]})
    save_folder(tmp_path / "given", given, names=("a.jpg", "b.jpg", "c.jpg"))
    (tmp_path / "given" / "images" / "b.jpg").write_bytes(b"no image")
    result = fixed(tmp_path / "given")
    split = result.report["splits"]["train"]
    assert (split["images"], split["boxes"], split["boxes_left_out"]) == (2, 2, 2)
    assert [each["file_name"] for each in split["images_left_out"]] == ["b.jpg", "d.jpg"]
    assert "there is no such file" in split["images_left_out"][1]["why"]
    assert sorted(path.name for path in (result.directory / "images").iterdir()) == ["a.jpg", "c.jpg"]
    assert [each["id"] for each in json.loads((result.directory / "annotations.json").read_text())["images"]] == [1, 3]
    assert judge_dataset(result.directory).refusals == ()
    text = (result.directory / "report.txt").read_text()
    assert "train: 2 images, 2 boxes written\n  2 images left out, with 2 boxes:\n    b.jpg: " in text
    assert json.loads((result.directory / "report.json").read_text()) == result.report


def test_without_a_usable_image_there_is_no_copy(tmp_path: Path) -> None:
    save_folder(tmp_path / "given", document())
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "given" / "images" / name).write_bytes(b"no image")
    with pytest.raises(DataError, match=r"none of the 2 images of .*annotations\.json can be used"):
        fixed(tmp_path / "given")
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_a_turned_image_becomes_an_upright_png_under_a_free_name(tmp_path: Path) -> None:
    given = with_fields(("images", 0, {"width": 30, "height": 40}), ("images", 1, {"file_name": "a.png"}))
    save_folder(tmp_path / "given", given, names=("a.png",))
    save_image(tmp_path / "given" / "images" / "a.jpg", orientation=6)
    result = fixed(tmp_path / "given")
    assert result.report["splits"]["train"]["images_rewritten"] == [{"file_name": "a.jpg", "written_as": "a_.png"}]
    with Image.open(result.directory / "images" / "a_.png") as image:
        assert (image.size, image.getexif()) == ((30, 40), {})
    assert (result.directory / "images" / "a.png").read_bytes() == (
        tmp_path / "given" / "images" / "a.png"
    ).read_bytes()


def test_both_splits_get_the_ids_of_one(tmp_path: Path) -> None:
    CASES["splits-with-other-category-ids"](tmp_path / "given")
    result = fixed(tmp_path / "given")
    documents = [
        json.loads((result.directory / "annotations" / f"instances_{name}.json").read_text())
        for name in ("train", "val")
    ]
    assert documents[0]["categories"] == documents[1]["categories"]


@pytest.mark.parametrize("out", ["given", "given/inside", "."])
def test_a_copy_is_beside_its_source(tmp_path: Path, out: str) -> None:
    save_folder(tmp_path / "given", document())
    with pytest.raises(DataError, match="contain one another"):
        fix_dataset(tmp_path / "given", tmp_path / out, lambda done, total: None)


def test_an_existing_directory_is_kept(tmp_path: Path) -> None:
    save_splits(tmp_path / "given", {"train": document(), "val": document()})
    (tmp_path / "fixed").mkdir()
    (tmp_path / "fixed" / "mine").write_text("")
    with pytest.raises(DataError, match="fixed exists; give a directory that is empty"):
        fixed(tmp_path / "given")
    (tmp_path / "fixed" / "mine").unlink()
    assert sorted(path.name for path in fixed(tmp_path / "given").directory.iterdir()) == [
        *("annotations", "report.json", "report.txt", "train", "val")
    ]
    with pytest.raises(DataError, match="fixed exists"):
        fixed(tmp_path / "given")


def test_a_directory_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    save_folder(tmp_path / "given", document())
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write the data set .*: Not a directory"):
        fix_dataset(tmp_path / "given", tmp_path / "file" / "fixed", lambda done, total: None)


def test_names_cannot_steer_a_terminal_in_the_report(tmp_path: Path) -> None:
    save_folder(tmp_path / "given", with_fields(("images", 1, {"file_name": "b\x1b[31m.jpg"})), names=("a.jpg",))
    text = fixed(tmp_path / "given").text
    assert "\x1b" not in text
    assert "b\\x1b[31m.jpg" in text
