"""Pictures and data of a few images: which ones, their true boxes, and objects by score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.data.digits import make_digits
from proxy_trainer.inference.detector import LoadedDetector, load_any_detector
from proxy_trainer.inference.sample_detections import IMAGES, true_objects, write_samples
from tests.support.constant_detectors import PX, write_constant_detector
from tests.support.processes import THREADS

FOUND = [((16.0, 16.0, 32.0, 40.0), 0.9, 0), ((4.0, 4.0, 20.0, 20.0), 0.2, 0)]


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> CocoSplit:
    directory = tmp_path_factory.mktemp("digits")
    make_digits(directory, train=4, val=20)
    return load_dataset(directory, reserved_images=16, reserve_from="val", seed=3)[1]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> LoadedDetector:
    directory = write_constant_detector(tmp_path_factory.mktemp("model") / "constant", ["digit"], FOUND)
    return load_any_detector(directory, THREADS)


def test_the_same_images_are_written_with_true_boxes_and_objects_of_enough_score(
    split: CocoSplit, detector: LoadedDetector, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        write_samples(tmp_path / name, split, [("trial", detector)], 0.5, lambda *step: told.append(step))
    first, again = ((tmp_path / name / "detections.json").read_text() for name in ("first", "again"))
    assert first == again
    document = json.loads(first)
    assert (document["lowest_score"], document["of_images"], len(document["images"])) == (0.5, 16, IMAGES)
    assert told == [("trial", done, IMAGES) for done in range(1, IMAGES + 1)] * 2
    for place, image in enumerate(document["images"], start=1):
        scale = max(image["width"], image["height"]) / PX
        (only,) = image["objects"]["trial"]
        assert only["box"] == pytest.approx([16 * scale, 16 * scale, 32 * scale, 40 * scale], abs=0.01)
        assert (only["score"], only["name"]) == (pytest.approx(0.9), "digit")
        index = split.file_names.index(image["file_name"])
        boxes = split.boxes[split.box_images == index]
        corners = sorted(np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1).round(2).tolist())
        assert sorted(each["box"] for each in image["objects"]["truth"]) == corners
        assert image["pictures"] == {"truth": f"{place}-truth.jpg", "trial": f"{place}-trial.jpg"}
    assert len(list((tmp_path / "first").iterdir())) == 1 + 2 * IMAGES


def test_a_lower_score_shows_more(split: CocoSplit, detector: LoadedDetector, tmp_path: Path) -> None:
    write_samples(tmp_path, split, [("trial", detector)], 0.1)
    images = json.loads((tmp_path / "detections.json").read_text())["images"]
    assert {tuple(round(each["score"], 3) for each in image["objects"]["trial"]) for image in images} == {(0.9, 0.2)}


def test_boxes_are_drawn_where_they_are_and_large_pictures_are_reduced(
    split: CocoSplit, detector: LoadedDetector, tmp_path: Path
) -> None:
    one = _with_one_image(split, tmp_path, (2000, 1000))
    (tmp_path / "out").mkdir()
    write_samples(tmp_path / "out", one, [("trial", detector)], 0.5)
    with Image.open(tmp_path / "out" / "1-trial.jpg") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape == (480, 960, 3)
    changed = np.argwhere(np.abs(pixels - 128).max(axis=-1) > 60)
    scale = 960 / PX
    assert changed[:, 1].min() == pytest.approx(16 * scale, abs=3)
    assert changed[:, 0].max() == pytest.approx(480 - 1, abs=3)  # the box reaches below the picture, and is cut


def test_a_crowd_says_so(split: CocoSplit) -> None:
    crowded = replace(split, crowd=np.ones_like(split.crowd))
    index = int(split.box_images[0])
    assert {each.label for each in true_objects(crowded, index)} == {"digit, crowd"}
    assert {each.label for each in true_objects(split, index)} == {"digit"}


def _with_one_image(split: CocoSplit, directory: Path, size: tuple[int, int]) -> CocoSplit:
    """The first image of a split with boxes, in its place a grey picture of this width and height."""
    Image.new("RGB", size, (128, 128, 128)).save(directory / "grey.png")
    first = split.box_images == split.box_images[0]
    fields = {name: getattr(split, name)[first] for name in ("boxes", "categories", "areas", "crowd")}
    return replace(
        split,
        images_dir=directory,
        image_ids=split.image_ids[:1],
        image_ranks=split.image_ranks[:1],
        file_names=("grey.png",),
        sizes=np.array([size[::-1]], np.int32),
        box_images=np.zeros(int(first.sum()), np.int32),
        **fields,
    )
