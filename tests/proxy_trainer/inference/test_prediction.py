"""Objects in pictures: boxes in pixels of the picture, orientation, drawing, and pictures that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from proxy_trainer.data.images import load_upright_image
from proxy_trainer.inference.detector import load_any_detector
from proxy_trainer.inference.prediction import drawn, predict
from proxy_trainer.inference_commands import predict_app
from tests.support.constant_detectors import write_constant_detector
from tests.support.edge_case_coco import ORIENTATION_TAG
from tests.support.processes import THREADS

FOUND = [((16.0, 8.0, 48.0, 24.0), 0.9, 1), ((0.0, 0.0, 60.0, 30.0), 0.4, 0), ((2.0, 40.0, 60.0, 60.0), 0.35, 0)]
"""In images of 64 pixels; the last is in the padding of a picture that is twice as wide as high."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_constant_detector(tmp_path / "model", ["cat", "dog"], FOUND)


def _picture(path: Path, size: tuple[int, int] = (256, 128), orientation: int | None = None) -> Path:
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION_TAG] = orientation
    Image.new("RGB", size, (128, 128, 128)).save(path, exif=exif)
    return path


def _predict(*arguments: object) -> Result:
    return CliRunner().invoke(predict_app, [*map(str, arguments), "--threads", str(THREADS)])


def test_boxes_are_in_pixels_of_the_picture_and_within_it(model: Path, tmp_path: Path) -> None:
    path = _picture(tmp_path / "wide.png")
    result = _predict(path, "--model", model, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [
        {
            "image": str(path),
            "width": 256,
            "height": 128,
            "detections": [
                {"box": [64.0, 32.0, 192.0, 96.0], "score": 0.9, "class": 1, "name": "dog"},
                {"box": [0.0, 0.0, 240.0, 120.0], "score": 0.4, "class": 0, "name": "cat"},
            ],
        }
    ]
    (only,) = json.loads(_predict(path, "--model", model, "--json", "--score", 0.5).stdout)
    assert [each["name"] for each in only["detections"]] == ["dog"]
    printed = _predict(path, "--model", model).stdout
    assert "wide.png: 2 found" in printed
    assert "  dog 0.900 at 64.0, 32.0, 192.0, 96.0" in printed


def test_a_picture_is_drawn_with_its_boxes(model: Path, tmp_path: Path) -> None:
    path, out = _picture(tmp_path / "wide.png"), tmp_path / "drawn"
    (document,) = json.loads(_predict(path, "--model", model, "--out", out, "--json").stdout)
    assert document["drawn"] == str(out / "wide.png")
    with Image.open(out / "wide.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape == (256, 512, 3)  # enlarged twice
    changed = np.argwhere((pixels != 128).any(axis=-1))
    inside = pixels[80:180, 140:370]
    assert (inside == 128).all()  # the inside of the dog's box, away from any line
    dog = pixels[120, 128]
    assert (dog != 128).any()
    assert (pixels[120, 383] == dog).all()
    cat = pixels[200, 0]
    assert (cat != 128).any()
    assert (cat != dog).any()
    assert changed.min() == 0


def test_pictures_of_the_same_name_are_drawn_into_files_of_their_own(model: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    paths = [_picture(tmp_path / "x.png"), _picture(tmp_path / "other" / "x.jpg")]
    documents = json.loads(_predict(*paths, "--model", model, "--out", tmp_path / "drawn", "--json").stdout)
    assert [Path(each["drawn"]).name for each in documents] == ["x-1.png", "x-2.png"]


def test_an_unreadable_picture_is_named_and_the_rest_is_done(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    result = _predict(broken, tmp_path / "missing.png", _picture(tmp_path / "good.png"), "--model", model, "--json")
    assert result.exit_code == 1
    first, second, good = json.loads(result.stdout)
    assert "cannot read the image" in first["error"]
    assert "there is no such file" in second["error"]
    assert len(good["detections"]) == 2
    assert str(broken) in result.stderr
    assert str(tmp_path / "missing.png") in result.stderr


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_viewers_show_it(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(pixels).save(path, exif=exif)
    with Image.open(path) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(load_upright_image(path), wanted)


def test_boxes_are_of_the_turned_picture(model: Path, tmp_path: Path) -> None:
    stored = _picture(tmp_path / "turned.jpg", size=(128, 256), orientation=6)
    document = predict(load_any_detector(model, THREADS), stored, 0.3).to_dict()
    assert (document["width"], document["height"]) == (256, 128)
    assert document["detections"][0]["box"] == [64.0, 32.0, 192.0, 96.0]


def test_a_model_directory_predicts_with_the_names_of_its_classes(initial: Path, odd: Path) -> None:
    found = predict(load_any_detector(initial, THREADS), odd / "images" / "wide.jpg", 0.0)
    assert found.objects
    assert {each.name for each in found.objects} <= {"square", "disc", "bar"}
    scores = [each.score for each in found.objects]
    assert scores == sorted(scores, reverse=True)
    assert drawn(found).size == (600, 399)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    error = _predict(_picture(tmp_path / "x.png"), "--model", tmp_path / "nope").exception
    assert f"there is no {tmp_path}/nope; name a model directory, an export or a run" in str(error)
