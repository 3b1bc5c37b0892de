"""TFRecords that TensorFlow reads back as the data set, in the features of Model Garden's decoders."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from typer.testing import CliRunner

from proxy_trainer.commands import data_app
from proxy_trainer.data.digits import make_digits
from proxy_trainer.data.image_folder import load_image_folder
from proxy_trainer.data.images import load_image
from proxy_trainer.data.tfrecords import write_tfrecords
from proxy_trainer.data.voc_segmentation import load_voc_segmentation, read_labelled
from proxy_trainer.errors import DataError
from search_space.errors import InvalidValueError

DETECTION = {
    "image/encoded": tf.io.FixedLenFeature((), tf.string),
    "image/source_id": tf.io.FixedLenFeature((), tf.string),
    "image/height": tf.io.FixedLenFeature((), tf.int64),
    "image/width": tf.io.FixedLenFeature((), tf.int64),
    "image/object/mask": tf.io.VarLenFeature(tf.string),
    "image/object/class/label": tf.io.VarLenFeature(tf.int64),
    "image/object/is_crowd": tf.io.VarLenFeature(tf.int64),
    **{
        f"image/object/{name}": tf.io.VarLenFeature(tf.float32)
        for name in ("bbox/ymin", "bbox/xmin", "bbox/ymax", "bbox/xmax", "area")
    },
}
TURNED = 6
"""The EXIF orientation of a picture that is stored on its left side."""


def silent(done: int, total: int) -> None:
    """No progress bar."""


def records(directory: Path, split: str, features: Mapping[str, Any]) -> list[dict[str, np.ndarray]]:
    """The parsed records of a split, in the order of its files, and of each in theirs."""
    files = sorted(map(str, directory.glob(f"{split}-*.tfrecord")))
    parsed = (tf.io.parse_single_example(raw, features) for raw in tf.data.TFRecordDataset(files))
    dense = [{name: _dense(value) for name, value in each.items()} for each in parsed]
    assert dense
    return dense


def _dense(value: Any) -> np.ndarray:
    return np.asarray(value.values if isinstance(value, tf.SparseTensor) else value)


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    """Pictures: a turned one with a cut box, a box outside and a crowd; a grey one with a box; an empty one in CMYK."""
    directory = tmp_path / "coco"
    (directory / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = TURNED
    stored = Image.fromarray(rng.integers(0, 256, (40, 30, 3)).astype(np.uint8))
    stored.save(directory / "images" / "turned.png", exif=exif)
    Image.fromarray(rng.integers(0, 256, (20, 32)).astype(np.uint8)).save(directory / "images" / "grey.jpg")
    Image.new("CMYK", (16, 16), (10, 20, 30, 40)).save(directory / "images" / "print.jpg")
    square = [[2, 2, 12, 2, 12, 8, 2, 8]]
    document = {
        "images": [
            {"id": "a", "file_name": "turned.png", "width": 40, "height": 30},
            {"id": "b", "file_name": "grey.jpg", "width": 32, "height": 20},
            {"id": "c", "file_name": "print.jpg", "width": 16, "height": 16},
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}],
        "annotations": [
            _annotation(1, "b", 7, [2, 2, 10, 6], square),
            _annotation(2, "a", 3, [30, 10, 20, 10], [[30, 10, 50, 10, 50, 20, 30, 20]]),
            _annotation(3, "a", 3, [50, 10, 5, 5], [[50, 10, 55, 10, 55, 15, 50, 15]]),
            {**_annotation(4, "a", 7, [0, 0, 20, 15], [[0, 0, 20, 0, 20, 15, 0, 15]]), "iscrowd": 1},
        ],
    }
    (directory / "annotations.json").write_text(json.dumps(document))
    return directory


def _annotation(number: int, image: str, category: int, box: list[int], outline: list[list[int]]) -> dict[str, Any]:
    return {
        "id": number, "image_id": image, "category_id": category, "bbox": box, "area": box[2] * box[3], "iscrowd": 0,
        "segmentation": outline,
    }  # fmt: skip


def test_boxes_are_relative_cut_to_the_picture_and_labelled_from_one(coco: Path, tmp_path: Path) -> None:
    report = write_tfrecords(coco, tmp_path / "out", "detection", 1, silent)
    turned, grey, empty = records(tmp_path / "out", "train", DETECTION)
    assert turned["image/object/bbox/xmin"].tolist() == [0.75, 0.0]
    assert turned["image/object/bbox/xmax"].tolist() == [1.0, 0.5]
    np.testing.assert_allclose(turned["image/object/bbox/ymin"], [10 / 30, 0])
    np.testing.assert_allclose(turned["image/object/bbox/ymax"], [20 / 30, 0.5])
    assert turned["image/object/class/label"].tolist() == [1, 2]
    assert turned["image/object/is_crowd"].tolist() == [0, 1]
    assert grey["image/object/class/label"].tolist() == [2]
    assert grey["image/object/area"].tolist() == [60]
    assert empty["image/object/class/label"].tolist() == []
    assert [each["image/source_id"].item() for each in (turned, grey, empty)] == [b"1", b"2", b"3"]
    assert report["splits"]["train"]["objects"] == 3
    assert report["classes"] == [{"label": 1, "id": 3, "name": "cat"}, {"label": 2, "id": 7, "name": "dog"}]
    assert json.loads((tmp_path / "out" / "dataset.json").read_text()) == report


def test_pictures_are_kept_where_tensorflow_decodes_them_as_we_do(coco: Path, tmp_path: Path) -> None:
    write_tfrecords(coco, tmp_path / "out", "detection", 1, silent)
    turned, grey, cmyk = (each["image/encoded"].item() for each in records(tmp_path / "out", "train", DETECTION))
    assert grey == (coco / "images" / "grey.jpg").read_bytes()
    upright = np.rot90(load_image(coco / "images" / "turned.png"), -1)
    np.testing.assert_array_equal(tf.io.decode_image(turned, channels=3).numpy(), upright)
    np.testing.assert_array_equal(
        tf.io.decode_image(cmyk, channels=3).numpy(), load_image(coco / "images" / "print.jpg")
    )


def test_masks_are_pictures_of_their_objects(coco: Path, tmp_path: Path) -> None:
    write_tfrecords(coco, tmp_path / "out", "instance-segmentation", 1, silent)
    turned, grey, empty = records(tmp_path / "out", "train", DETECTION)
    (mask,) = grey["image/object/mask"]
    pixels = np.asarray(Image.open(io.BytesIO(mask)))
    assert pixels.shape == (20, 32)
    assert set(np.unique(pixels)) == {0, 1}
    assert pixels.sum() == grey["image/object/area"].item() == 60
    assert grey["image/object/bbox/xmin"].item() == 2 / 32
    assert (len(turned["image/object/mask"]), len(empty["image/object/mask"])) == (2, 0)


def test_numbers_stay_the_identifiers_and_pictures_take_turns_in_shards(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=5, val=2, seed=0, categories=1, progress=silent)
    report = write_tfrecords(tmp_path / "digits", tmp_path / "out", "detection", 3, silent)
    assert report["splits"]["train"]["files"][-1] == "train-00002-of-00003.tfrecord"
    assert report["splits"]["val"]["files"] == ["val-00000-of-00002.tfrecord", "val-00001-of-00002.tfrecord"]
    annotations = json.loads((tmp_path / "digits" / "annotations" / "instances_train.json").read_text())
    ids = [str(each["id"]).encode() for each in annotations["images"]]
    found = [each["image/source_id"].item() for each in records(tmp_path / "out", "train", DETECTION)]
    assert found == [ids[0], ids[3], ids[1], ids[4], ids[2]]
    boxes = sum(len(each["image/object/area"]) for each in records(tmp_path / "out", "train", DETECTION))
    assert boxes == len(annotations["annotations"]) == report["splits"]["train"]["objects"]


def test_a_directory_per_class_becomes_labels_from_zero(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=12, val=10, seed=0, categories=10, task="classification", progress=silent)
    write_tfrecords(tmp_path / "digits", tmp_path / "out", "classification", 1, silent)
    features = {
        "image/encoded": tf.io.FixedLenFeature((), tf.string),
        "image/class/label": tf.io.FixedLenFeature((), tf.int64),
    }
    found, expected = records(tmp_path / "out", "train", features), load_image_folder(tmp_path / "digits").train
    assert [each["image/class/label"].item() for each in found] == expected.labels.tolist()
    assert [each["image/encoded"].item() for each in found] == [path.read_bytes() for path in expected.paths]


def test_masks_of_classes_keep_their_values(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=2, val=1, seed=0, categories=1, task="segmentation", progress=silent)
    write_tfrecords(tmp_path / "digits", tmp_path / "out", "semantic-segmentation", 1, silent)
    features = {"image/segmentation/class/encoded": tf.io.FixedLenFeature((), tf.string)}
    voc = load_voc_segmentation(tmp_path / "digits")
    found = records(tmp_path / "out", "train", features)
    assert len(found) == 2
    for index, each in enumerate(found):
        mask = tf.io.decode_png(each["image/segmentation/class/encoded"].item(), channels=1).numpy()[..., 0]
        np.testing.assert_array_equal(mask, read_labelled(voc.train, index, len(voc.classes))[1])


def test_a_damaged_picture_is_named_and_nothing_is_left(coco: Path, tmp_path: Path) -> None:
    (coco / "images" / "grey.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"grey\.jpg"):
        write_tfrecords(coco, tmp_path / "out", "detection", 2, silent)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco"]


def test_bad_arguments_are_named(coco: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match="task is 'boxes'; it must be one of detection"):
        write_tfrecords(coco, tmp_path / "out", "boxes", 1, silent)  # type: ignore[arg-type]
    with pytest.raises(InvalidValueError, match="shards is 0; it must be from 1 to 10,000"):
        write_tfrecords(coco, tmp_path / "out", "detection", 0, silent)
    with pytest.raises(DataError, match="coco exists; give a directory that is empty"):
        write_tfrecords(coco, coco, "detection", 1, silent)


def test_the_command_prints_what_it_wrote(coco: Path, tmp_path: Path) -> None:
    arguments = ["to-tfrecord", str(coco), "--out", str(tmp_path / "out"), "--shards", "2"]
    done = CliRunner().invoke(data_app, [*arguments, "--json"], catch_exceptions=False)
    files = ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"]
    assert json.loads(done.stdout)["splits"] == {"train": {"images": 3, "objects": 3, "files": files}}
    with pytest.raises(DataError, match="exists; give a directory that is empty"):
        CliRunner().invoke(data_app, arguments, catch_exceptions=False)
