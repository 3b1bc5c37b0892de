"""The identity of data: equal for the same content, different for any other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.data_identity import DataIdentity, SplitIdentity
from proxy_trainer.data.decoded_images import decode_split


def _identity(folder: Path, cache: Path) -> SplitIdentity:
    split = load_split(folder / "images", folder / "annotations.json")
    return SplitIdentity.of(split, decode_split(split, 64, cache).image_digests)


def _edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "annotations.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def test_it_counts_and_digests_the_files(edge_case_coco: Path, tmp_path: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    found = _identity(edge_case_coco, tmp_path / "cache")
    assert (found.images, found.boxes) == (12, 18)
    digests = [hashlib.sha256(split.path(index).read_bytes()).digest() for index in range(12)]
    assert found.images_sha256 == hashlib.sha256(b"".join(digests)).hexdigest()
    assert len(found.annotations_sha256) == 64


def test_a_copy_elsewhere_with_other_dates_and_another_layout_is_equal(edge_case_coco: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(edge_case_coco, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    (copied / "images" / "plain.jpg").rename(copied / "images" / "renamed.jpg")

    def rename(document: dict[str, Any]) -> None:
        document["info"] = {"exported": "again"}
        document["images"][-1]["file_name"] = "renamed.jpg"

    _edit(copied, rename)
    file = copied / "annotations.json"
    file.write_text(json.dumps(json.loads(file.read_text()), indent=4))
    assert _identity(copied, tmp_path / "cache") == _identity(edge_case_coco, tmp_path / "cache")


def _same_size_and_date(folder: Path) -> None:
    """Another picture in a file of the same size, whose date is put back."""
    path = folder / "images" / "plain.jpg"
    status, content = path.stat(), bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _a_pixel(folder: Path) -> None:
    path = folder / "images" / "alpha.png"
    pixels = np.asarray(Image.open(path)).copy()
    pixels[0, 0] ^= 1
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    ("change", "annotations"),
    [
        (lambda folder: _edit(folder, lambda found: found["annotations"][0]["bbox"].__setitem__(0, 31)), True),
        (lambda folder: _edit(folder, lambda found: found["annotations"][0].update(area=7)), True),
        (lambda folder: _edit(folder, lambda found: found["annotations"][3].update(iscrowd=1)), True),
        (lambda folder: _edit(folder, lambda found: found["annotations"][0].update(category_id=90)), True),
        (lambda folder: _edit(folder, lambda found: found["annotations"].pop()), True),
        (lambda folder: _edit(folder, lambda found: found["categories"][0].update(name="beam")), True),
        (_a_pixel, False),
        (_same_size_and_date, False),
    ],
)
def test_any_other_content_is_different(
    edge_case_coco: Path, tmp_path: Path, change: Callable[[Path], None], annotations: bool
) -> None:
    before = _identity(edge_case_coco, tmp_path / "cache")
    change(edge_case_coco)
    after = _identity(edge_case_coco, tmp_path / "cache")
    assert (before.annotations_sha256 != after.annotations_sha256) == annotations
    assert (before.images_sha256 != after.images_sha256) != annotations


def test_the_document_has_a_digest_over_both_splits(edge_case_coco: Path, tmp_path: Path) -> None:
    one = _identity(edge_case_coco, tmp_path / "cache")
    (edge_case_coco / "images" / "wide.jpg").write_bytes((edge_case_coco / "images" / "wide.jpg").read_bytes() + b"\0")
    other = _identity(edge_case_coco, tmp_path / "cache")
    assert one != other
    documents = [DataIdentity(*splits).to_dict() for splits in ((one, one), (one, other), (other, one), (one, one))]
    assert documents[0] == documents[3]
    assert len({document["sha256"] for document in documents}) == 3
    assert set(documents[0]) == {"sha256", "train", "reserved"}
    assert documents[1]["reserved"] == {
        "images": 12,
        "boxes": 18,
        "annotations_sha256": other.annotations_sha256,
        "images_sha256": other.images_sha256,
    }
