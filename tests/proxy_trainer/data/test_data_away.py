"""A data set that is away is waited for; a bad image is not."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from proxy_trainer.data import images
from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.errors import DataAwayError, UnreadableImageError


@pytest.fixture
def split(edge_case_coco: Path) -> CocoSplit:
    return load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")


def test_one_missing_image_is_named_and_not_waited_for(split: CocoSplit, tmp_path: Path) -> None:
    split.path(3).unlink()
    with pytest.raises(UnreadableImageError, match=rf"cannot read the image {split.path(3)}: there is no such file"):
        decode_split(split, 64, tmp_path / "cache")
    assert UnreadableImageError.reaction == "stop"


@pytest.mark.parametrize("how", ["removed", "empty"])
def test_images_that_are_all_gone_are_waited_for(split: CocoSplit, tmp_path: Path, how: str) -> None:
    """A mount that is down leaves an empty directory, or none."""
    shutil.rmtree(split.images_dir)
    message = f"^there is no directory {split.images_dir}$"
    if how == "empty":
        split.images_dir.mkdir()
        message = f"^the directory {split.images_dir} is empty$"
    with pytest.raises(DataAwayError, match=message) as found:
        decode_split(split, 64, tmp_path / "cache")
    assert (found.value.kind, found.value.reaction) == ("data-away", "wait")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN])
@pytest.mark.parametrize("call", ["check_is_regular", "read_regular"])
def test_a_device_that_does_not_answer_is_waited_for(
    split: CocoSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """At the first look at the images and while they are packed, when one is read after others."""
    calls = []
    function = getattr(images, call)

    def fail_later(path: Path) -> object:
        calls.append(path)
        if len(calls) == 5:
            raise OSError(number, os.strerror(number), str(path))
        return function(path)

    monkeypatch.setattr(images, call, fail_later)
    with pytest.raises(DataAwayError, match=os.strerror(number)):
        decode_split(split, 64, tmp_path / "cache", threads=1)
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").iterdir())


@pytest.mark.timeout(20)
def test_a_pipe_or_a_device_in_the_place_of_an_image_is_named_at_once(split: CocoSplit, tmp_path: Path) -> None:
    path = split.path(2)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(UnreadableImageError, match=rf"cannot read the image {path}: it is not a regular file"):
        decode_split(split, 64, tmp_path / "cache")
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(UnreadableImageError, match="it is not a regular file"):
        decode_split(split, 64, tmp_path / "cache")
