from __future__ import annotations

from pathlib import Path

import pytest

from proxy_trainer.data.coco_directory import find_splits
from proxy_trainer.errors import DataAwayError, DataError


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


@pytest.mark.parametrize(
    ("files", "train", "val"),
    [
        (
            [
                "annotations/instances_train2017.json",
                "annotations/instances_val2017.json",
                "annotations/captions_train2017.json",
                "train2017/1.jpg",
                "val2017/1.jpg",
            ],
            ("train2017", "annotations/instances_train2017.json"),
            ("val2017", "annotations/instances_val2017.json"),
        ),
        (
            ["annotations/instances_train2017.json", "images/train2017/1.jpg"],
            ("images/train2017", "annotations/instances_train2017.json"),
            None,
        ),
        (
            ["annotations/instances_train.json", "annotations/instances_val.json", "images/1.jpg"],
            ("images", "annotations/instances_train.json"),
            ("images", "annotations/instances_val.json"),
        ),
        (
            ["annotations/train.json", "annotations/val.json", "train/1.jpg", "val/1.jpg"],
            ("train", "annotations/train.json"),
            ("val", "annotations/val.json"),
        ),
        (
            ["train/_annotations.coco.json", "train/1.jpg", "valid/_annotations.coco.json", "valid/1.jpg"],
            ("train", "train/_annotations.coco.json"),
            ("valid", "valid/_annotations.coco.json"),
        ),
        (["annotations.json", "images/1.jpg"], ("images", "annotations.json"), None),
        (["_annotations.coco.json", "1.jpg"], (".", "_annotations.coco.json"), None),
        (["annotations/instances_all.json", "images/1.jpg"], ("images", "annotations/instances_all.json"), None),
        (["annotations/instances_default.json", "1.png"], (".", "annotations/instances_default.json"), None),
        (["labels.json", "data.txt", "images/1.jpg"], ("images", "labels.json"), None),
        # FiftyOne, whole and by split.
        (["labels.json", "README.txt", "data/1.jpg"], ("data", "labels.json"), None),
        (
            ["train/labels.json", "train/data/1.jpg", "validation/labels.json", "validation/data/1.jpg"],
            ("train/data", "train/labels.json"),
            ("validation/data", "validation/labels.json"),
        ),
        (
            ["labels/train.json", "labels/val.json", "data/train/1.jpg", "data/val/1.jpg"],
            ("data/train", "labels/train.json"),
            ("data/val", "labels/val.json"),
        ),
        # Label Studio.
        (["result.json", "images/1.jpg"], ("images", "result.json"), None),
        (["result.json", "notes.json", "images/1.jpg"], ("images", "result.json"), None),
        # CVAT, with capitals and without.
        (
            ["annotations/instances_default.json", "images/default/1.png"],
            ("images/default", "annotations/instances_default.json"),
            None,
        ),
        (
            [
                "annotations/instances_Train.json",
                "annotations/instances_Validation.json",
                "images/Train/1.png",
                "images/Validation/1.png",
            ],
            ("images/Train", "annotations/instances_Train.json"),
            ("images/Validation", "annotations/instances_Validation.json"),
        ),
        (
            ["Annotations/Instances_TRAIN.JSON", "Annotations/instances_val.json", "Images/1.png"],
            ("Images", "Annotations/Instances_TRAIN.JSON"),
            ("Images", "Annotations/instances_val.json"),
        ),
        # Roboflow, with a test split.
        (
            [
                "Train/_annotations.coco.json",
                "Train/1.jpg",
                "valid/_annotations.coco.json",
                "valid/1.jpg",
                "test/_annotations.coco.json",
            ],
            ("Train", "Train/_annotations.coco.json"),
            ("valid", "valid/_annotations.coco.json"),
        ),
        # LVIS, whose names have the directory.
        (
            ["annotations/lvis_v1_train.json", "annotations/lvis_v1_val.json", "train2017/1.jpg", "val2017/2.jpg"],
            (".", "annotations/lvis_v1_train.json"),
            (".", "annotations/lvis_v1_val.json"),
        ),
        # Other names of splits and of their directories.
        (
            ["my_train_set.json", "my-val.json", "train2020/1.jpg", "val2020/1.jpg"],
            ("train2020", "my_train_set.json"),
            ("val2020", "my-val.json"),
        ),
        (
            ["annotations/instances_train.json", "annotations/instances_test.json", "Training/1.jpg"],
            ("Training", "annotations/instances_train.json"),
            None,
        ),
        (
            ["annotations/instances_all.json", "annotations/instances_test.json", "images/1.jpg"],
            ("images", "annotations/instances_all.json"),
            None,
        ),
        (["annotations/instances_test.json", "images/1.jpg"], ("images", "annotations/instances_test.json"), None),
        # Files of file systems and operating systems.
        (
            ["annotations.json", "._annotations.json", ".DS_Store", "__MACOSX/a.json", "images/1.jpg"],
            ("images", "annotations.json"),
            None,
        ),
        (["a.json", "._a.json", "images/1.jpg"], ("images", "a.json"), None),
        (
            ["annotations/train.json", "annotations/._train.json", "train/1.jpg"],
            ("train", "annotations/train.json"),
            None,
        ),
        # Several layouts at once: the more specific name.
        (["annotations.json", "labels.json", "data/1.jpg", "images/1.jpg"], ("images", "annotations.json"), None),
    ],
)
def test_common_layouts(tmp_path: Path, files: list[str], train: tuple[str, str], val: tuple[str, str] | None) -> None:
    _touch(tmp_path, *files)
    found_train, found_val = find_splits(tmp_path)
    assert (found_train.images, found_train.annotations) == (tmp_path / train[0], tmp_path / train[1])
    if val is None:
        assert found_val is None
    else:
        assert found_val is not None
        assert (found_val.images, found_val.annotations) == (tmp_path / val[0], tmp_path / val[1])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], r"has no COCO annotation file: expected annotations/instances_train\*\.json"),
        (["images/1.jpg"], "has no COCO annotation file"),
        (["annotations/instances_train.json"], r"has no images directory for instances_train\.json: expected"),
        (
            ["annotations/instances_train2014.json", "annotations/instances_train2017.json", "images/1.jpg"],
            r"more than one training file \(annotations/instances_train2014\.json, annotations/instances_train2017",
        ),
        (["a.json", "b.json", "images/1.jpg"], r"more than one annotation file \(a\.json, b\.json\)"),
    ],
)
def test_missing_or_ambiguous_files_are_refused(tmp_path: Path, files: list[str], message: str) -> None:
    _touch(tmp_path, *files)
    with pytest.raises(DataError, match=message):
        find_splits(tmp_path)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("set.zip", "unzip {archive} -d {target}"),
        ("set.tar.gz", "tar -xf {archive} -C {target}"),
        ("SET.TGZ", "tar -xf {archive} -C {target}"),
        ("set.7z", "7z x {archive} -o{target}"),
    ],
)
def test_an_archive_is_to_be_unpacked(tmp_path: Path, name: str, command: str) -> None:
    _touch(tmp_path / "folder", name)
    archive = tmp_path / "folder" / name
    with pytest.raises(DataError, match=r"has no COCO annotation file: ") as inside:
        find_splits(tmp_path / "folder")
    assert str(inside.value).endswith(
        "; unpack the archive: " + command.format(archive=archive, target=tmp_path / "folder")
    )
    with pytest.raises(DataError, match=r"is a file, not a directory; unpack the archive: ") as given:
        find_splits(archive)
    target = tmp_path / "folder" / name.partition(".")[0]
    assert str(given.value).endswith(command.format(archive=archive, target=target))


def test_a_directory_around_the_data_set_names_it(tmp_path: Path) -> None:
    _touch(tmp_path, "cars/annotations/instances_train.json", "cars/train/1.jpg", "notes/a.txt")
    with pytest.raises(DataError, match=r"has no COCO annotation file: .*/cars has one: is that the data set\?$"):
        find_splits(tmp_path)


def test_a_packed_images_directory_is_to_be_unpacked(tmp_path: Path) -> None:
    _touch(tmp_path, "annotations.json", "train images.zip")
    with pytest.raises(
        DataAwayError, match=r"no images directory for annotations\.json: .*; unpack the archive: unzip '"
    ):
        find_splits(tmp_path)


def test_what_is_missing_for_now_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with pytest.raises(DataAwayError, match="there is no data set directory"):
        find_splits(folder)
    folder.mkdir()
    with pytest.raises(DataAwayError, match=r"has no COCO annotation file: .*; it is empty$"):
        find_splits(folder)
    (folder / "lost+found").mkdir()
    with pytest.raises(DataAwayError, match="it is empty"):
        find_splits(folder)
    _touch(folder, "images/1.jpg")
    with pytest.raises(DataAwayError, match="has no COCO annotation file"):
        find_splits(folder)


def test_a_file_is_no_data_set(tmp_path: Path) -> None:
    _touch(tmp_path, "labels.json")
    with pytest.raises(DataError, match=r"labels\.json is a file, not a directory$") as caught:
        find_splits(tmp_path / "labels.json")
    assert not isinstance(caught.value, DataAwayError)


@pytest.mark.parametrize(("name", "message"), [("n" * 5000, "File name too long"), ("a\0b", "embedded null byte")])
def test_a_directory_with_an_impossible_name_is_one_line(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_splits(tmp_path / name)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no data set directory .*nowhere"):
        find_splits(tmp_path / "nowhere")
