from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.coco_directory import SplitFiles
from proxy_trainer.data.image_names import find_images
from proxy_trainer.data.images import read_image
from proxy_trainer.errors import DataAwayError, DataError, UnreadableImageError

CAFE = "caf\xe9.jpg"


def _touch(images_dir: Path, *names: str) -> None:
    for name in names:
        (images_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (images_dir / name).write_bytes(name.encode())


@pytest.mark.parametrize(
    ("files", "listed", "path", "kinds"),
    [
        (["a.jpg"], "a.jpg", "a.jpg", []),
        (["s/a.jpg"], "s/a.jpg", "s/a.jpg", []),
        (["a.jpg"], "./a.jpg", "a.jpg", []),
        (["s/a.jpg"], "s//./a.jpg", "s/a.jpg", []),
        (["a.jpg"], "s/../a.jpg", "a.jpg", []),
        (["s/a.jpg"], "s\\a.jpg", "s/a.jpg", []),
        (["s\\a.jpg", "a.jpg"], "s\\a.jpg", "s\\a.jpg", []),
        (["a.jpg"], "images/a.jpg", "a.jpg", []),
        (["a.jpg"], "set/images/a.jpg", "a.jpg", []),
        (["a.jpg"], "Images\\a.jpg", "a.jpg", []),
        (["images/a.jpg", "a.jpg"], "images/a.jpg", "images/a.jpg", []),
        (["a.jpg"], "C:\\photos\\a.jpg", "a.jpg", ["name-last-part"]),
        (["a.jpg"], "/home/me/a.jpg", "a.jpg", ["name-last-part"]),
        (["4/a.jpg", "a.jpg"], "..\\..\\upload\\4\\a.jpg", "4/a.jpg", ["name-last-part"]),
        (["a.jpg"], "../a.jpg", "a.jpg", ["name-last-part"]),
        (["a b.jpg"], "a%20b.jpg", "a b.jpg", ["name-unquoted"]),
        (["a b.jpg"], "a%2520b.jpg", "a b.jpg", ["name-unquoted"]),
        (["a%20b.jpg", "a b.jpg"], "a%20b.jpg", "a%20b.jpg", []),
        (["s/a.jpg"], "s%2Fa.jpg", "s/a.jpg", ["name-unquoted"]),
        (["d x/a.jpg", "a.jpg"], "d%20x/a.jpg", "d x/a.jpg", ["name-unquoted"]),
        ([CAFE], "caf%C3%A9.jpg", CAFE, ["name-unquoted"]),
        (["a.jpg"], "a.JPG", "a.jpg", ["name-case"]),
        (["A.JPG", "a.jpg"], "A.JPG", "A.JPG", []),
        (["Sub/A.jpg"], "sub/a.JPG", "Sub/A.jpg", ["name-case"]),
        (["sub/a.jpg", "A.JPG"], "Sub/A.JPG", "sub/a.jpg", ["name-case"]),
        ([unicodedata.normalize("NFD", CAFE)], CAFE, unicodedata.normalize("NFD", CAFE), ["name-normalised"]),
        ([CAFE], unicodedata.normalize("NFD", CAFE), CAFE, ["name-normalised"]),
        ([CAFE], unicodedata.normalize("NFD", CAFE.upper()), CAFE, ["name-case"]),
        (["a.jpg"], "a.jpg ", "a.jpg", ["name-with-spaces"]),
        (["a.jpg"], "a.jpg\n", "a.jpg", ["name-with-spaces"]),
        (["a.jpg "], "a.jpg ", "a.jpg ", []),
        (["000001.jpg"], "000001", "000001.jpg", ["name-without-suffix"]),
        (["v1.0/7.png"], "v1.0/7", "v1.0/7.png", ["name-without-suffix"]),
        (["a.jpg"], "https://host/x/a.jpg", "a.jpg", ["name-from-url"]),
        (["a.jpg"], "https://host/x/a.jpg?X=1&d=9#top", "a.jpg", ["name-from-url"]),
        (["x/a.jpg"], "https://host/x/a.jpg", "x/a.jpg", ["name-from-url"]),
        (["a.jpg"], "s3://bucket/a.jpg", "a.jpg", ["name-from-url"]),
        (["a.jpg"], "file:///C:/x/a.jpg", "a.jpg", ["name-from-url"]),
        (["a b.jpg"], "https://host/a%20b.jpg", "a b.jpg", ["name-from-url", "name-unquoted"]),
        (["4/a.jpg"], "/data/local-files/?d=upload%5C4%5Ca.jpg", "4/a.jpg", ["name-from-url"]),
        (["a.jpg"], "a.jpg?width=9", "a.jpg", ["name-from-url"]),
        (["a.jpg"], "\\\\server\\share\\a.jpg", "a.jpg", ["name-last-part"]),
        (["1/x.jpg"], "/data/upload/1/x.jpg", "1/x.jpg", ["name-last-part"]),
        (["a.JPG"], "upload/4/a.jpg", "a.JPG", ["name-case", "name-last-part"]),
    ],
)
def test_a_name_and_the_file_that_it_means(
    tmp_path: Path, files: list[str], listed: str, path: str, kinds: list[str]
) -> None:
    images = tmp_path / "set" / "images"
    _touch(images, *files)
    names = find_images(images, [listed], "labels.json")
    assert names.paths == (path,)
    assert names.found.tolist() == [True]
    assert sorted(finding.kind for finding in names.findings) == kinds
    for finding in names.findings:
        assert finding.message.startswith("labels.json: 1 image name ")
        assert (images / path).read_bytes() == path.encode()


@pytest.mark.parametrize(
    ("files", "listed", "path"),
    [
        (["a.jpg"], "b.jpg", "b.jpg"),
        (["a.jpg"], "../../etc/passwd", "etc/passwd"),
        (["a.jpg"], "/etc/passwd", "etc/passwd"),
        (["a.jpg"], "..", "unnamed"),
        (["a.jpg"], "/", "unnamed"),
        (["s/a.jpg"], "s", "s"),
        (["a.jpg"], "a\0.jpg", "a\\0.jpg"),
        (["a.jpg"], "\ud800.jpg", "\\ud800.jpg"),
        (["a.jpg"], "\x1b[31m.jpg", "\\x1b[31m.jpg"),
        ([".a.jpg"], ".A.jpg", ".A.jpg"),
        (["s/a.jpg"], "a.jpg", "a.jpg"),
    ],
)
def test_a_name_that_is_no_file_stays_in_the_directory(
    tmp_path: Path, files: list[str], listed: str, path: str
) -> None:
    images = tmp_path / "images"
    _touch(images, *files)
    names = find_images(images, [listed], "labels.json")
    assert names.paths == (path,)
    assert names.found.tolist() == [False]
    assert names.findings == []
    assert not (images / path).is_file()
    assert (images / path).resolve().is_relative_to(images)


def test_a_name_of_any_length_can_be_asked_for(tmp_path: Path) -> None:
    _touch(tmp_path, "a.jpg")
    names = find_images(tmp_path, ["\xe9" * 5000 + ".jpg"], "labels.json")
    assert not (tmp_path / names.paths[0]).is_file()


@pytest.mark.parametrize(
    ("files", "listed", "found", "ambiguous"),
    [
        # Two files for one name.
        (["a.jpg", "a.JPG"], ["A.jpg"], [False], 1),
        (["1.jpg", "1.png"], ["1"], [False], 1),
        # Two names for one file: directories that are not there may have held other images.
        (["a.jpg"], ["x/a.jpg", "y/a.jpg"], [False, False], 2),
        (["a.jpg"], ["a.jpg", "y/a.jpg"], [True, False], 1),
        (["a.jpg"], ["a.jpg", "A.JPG"], [True, False], 1),
        # One name twice, or one name in two spellings that say the same.
        (["a.jpg"], ["x/a.jpg", "x/a.jpg"], [True, True], 0),
        (["a.jpg"], ["x/a.jpg", "x\\a.jpg"], [True, True], 0),
        (["a.jpg"], ["a.jpg", "images/a.jpg"], [True, True], 0),
    ],
)
def test_what_could_mean_two_things_is_taken_as_missing(
    tmp_path: Path, files: list[str], listed: list[str], found: list[bool], ambiguous: int
) -> None:
    images = tmp_path / "images"
    _touch(images, *files)
    names = find_images(images, listed, "labels.json")
    assert names.found.tolist() == found
    counts = {finding.kind: finding.count for finding in names.findings}
    assert counts.get("name-ambiguous", 0) == ambiguous
    if len(files) > 1:
        assert all(file in names.findings[0].examples[0] for file in files)


def test_links_are_followed_and_directories_are_no_files(tmp_path: Path) -> None:
    _touch(tmp_path / "elsewhere", "a.jpg")
    images = tmp_path / "images"
    (images / "b.jpg").mkdir(parents=True)
    (images / "a.jpg").symlink_to(tmp_path / "elsewhere" / "a.jpg")
    (images / "s").symlink_to(tmp_path / "elsewhere")
    names = find_images(images, ["a.jpg", "s/a.jpg", "b.jpg"], "labels.json")
    assert names.found.tolist() == [True, True, False]


def test_a_directory_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataAwayError, match=r"cannot read the directory .*none: No such file"):
        find_images(tmp_path / "none", ["a.jpg"], "labels.json")
    _touch(tmp_path, "a.jpg")
    with pytest.raises(DataError, match=r"cannot read the directory .*a\.jpg"):
        find_images(tmp_path / "a.jpg", ["a.jpg"], "labels.json")


def _lvis(folder: Path, **fields: str) -> SplitFiles:
    document = {
        "images": [{"id": 1, "width": 4, "height": 3, **fields}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}],
        "categories": [{"id": 1, "name": "x"}],
    }
    (folder / "labels.json").write_text(json.dumps(document))
    return SplitFiles(folder / "images", folder / "labels.json")


@pytest.mark.parametrize("field", ["coco_url", "flickr_url"])
def test_a_name_may_be_that_of_a_url(tmp_path: Path, field: str) -> None:
    _touch(tmp_path / "images", "train2017/000000391895.jpg")
    files = _lvis(tmp_path, **{field: "http://images.cocodataset.org/train2017/000000391895.jpg"})
    split = files.load()
    assert split.file_names == ("train2017/000000391895.jpg",)
    assert [finding.kind for finding in split.findings] == ["name-from-url"]


def test_only_a_set_without_any_image_is_away(tmp_path: Path) -> None:
    _touch(tmp_path / "images", "other.jpg")
    files = _lvis(tmp_path, file_name="a.jpg")
    with pytest.raises(DataAwayError, match=r"none of the 1 images of .*labels\.json is in .*images$"):
        files.load()
    _touch(tmp_path / "images", "a.jpg")
    assert files.load().file_names == ("a.jpg",)


def test_a_named_pipe_in_the_place_of_an_image_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    os.mkfifo(tmp_path / "images" / "a.jpg")
    files = _lvis(tmp_path, file_name="a.jpg")
    split = load_split(files.images, files.annotations)
    with pytest.raises(UnreadableImageError, match=r"a\.jpg: it is not a regular file"):
        read_image(split, 0)
