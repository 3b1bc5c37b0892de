"""Model Garden's trainer runs each experiment of an export, by the command of the README, on TFRecords of the digits.

It runs in an environment of its own (`make setup-model-garden`).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import yaml

from exporters import EXPORTERS, Export
from proxy_trainer.data.digits import make_digits
from proxy_trainer.data.digits_parameters import DigitsTask
from proxy_trainer.data.tfrecords import RecordTask, write_tfrecords
from search_space.document import BlockSpecification
from tests.support.export_runtime import run_export
from tests.support.random_detectors import UNEQUAL

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

ENVIRONMENT, SECONDS = "model-garden", 1500
PX = 128
"""The smallest image that Model Garden's detectors take: they pad to multiples of it."""
CLASSES = [{"id": number, "name": str(number)} for number in range(UNEQUAL.class_slots)]
FROM_WEIGHTS = {"eff_spinenet": {"weights": "model.safetensors", "stochastic_depth_drop_rate": 0.0}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported folder with initial weights."""
    directory = tmp_path_factory.mktemp("model-garden")
    EXPORTERS["model-garden"].write(Export(BlockSpecification(UNEQUAL, {}, 2.0, classes=CLASSES)), directory)
    return directory


def _records(directory: Path, digits: DigitsTask, task: RecordTask) -> Path:
    """TFRecords of a few digits."""
    many = {"classification": 20}
    categories = 10 if digits == "classification" else 1
    source = make_digits(
        directory / "digits", train=many.get(digits, 8), val=10 if categories == 10 else 4, categories=categories,
        object_px=(40.0, 70.0), task=digits,
    ).directory  # fmt: skip
    write_tfrecords(source, directory / "data", task, 2, lambda done, total: None)
    return directory / "data"


def _trained(
    folder: Path, run: Path, name: str, task: dict[str, Any], trainer: dict[str, Any]
) -> dict[str, list[float]]:
    """What the trainer has reported, by name and step, after a run with these changes to the experiment."""
    changes = run.with_suffix(".yaml")
    changes.write_text(yaml.safe_dump({"task": task, "trainer": trainer}))
    command = [
        "-m", "eff_spinenet.train", f"--experiment=eff_spinenet_{name}", f"--config_file=experiments/{name}.yaml",
        f"--config_file={changes}", "--mode=train_and_eval", f"--model_dir={run}",
    ]  # fmt: skip
    run_export(command, folder=folder, environment=ENVIRONMENT, timeout_s=SECONDS)
    reported: dict[str, list[float]] = {}
    for file in sorted([*run.glob("train/events*"), *run.glob("validation/events*")]):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                if array.dtype.kind == "f" and array.ndim == 0:
                    reported.setdefault(f"{file.parent.name}/{value.tag}", []).append(float(array))
    return reported


def _data(records: Path, batch: int, **changes: Any) -> dict[str, Any]:
    """The data of the experiment, with changes to that of training."""
    train = {"input_path": str(records / "train*"), "global_batch_size": batch, "shuffle_buffer_size": batch}
    return {
        "train_data": {**train, **changes},
        "validation_data": {"input_path": str(records / "val*"), "global_batch_size": 2},
    }


def _steps(steps: int, every: int, **optimizer: Any) -> dict[str, Any]:
    intervals = dict.fromkeys(("steps_per_loop", "summary_interval"), every)
    ends = dict.fromkeys(("train_steps", "checkpoint_interval", "validation_interval"), steps)
    return {**intervals, **ends, "validation_steps": 2, "optimizer_config": optimizer}


def test_retinanet_learns(folder: Path, tmp_path: Path) -> None:
    """On eight pictures, whose boxes the COCO evaluator then reads from the records."""
    records = _records(tmp_path, "detection", "detection")
    task = {
        "model": {"input_size": [PX, PX, 3], "backbone": FROM_WEIGHTS},
        **_data(records, 8, parser={"aug_scale_min": 1.0, "aug_scale_max": 1.0, "aug_rand_hflip": False}),
    }
    rates = {"stepwise": {"boundaries": [1000, 2000], "values": [0.05, 0.005, 0.0005]}}
    warmup = {"linear": {"warmup_steps": 10, "warmup_learning_rate": 0.005}}
    reported = _trained(folder, tmp_path / "run", "retinanet", task, _steps(60, 10, learning_rate=rates, warmup=warmup))
    losses = reported["train/model_loss"]
    assert len(losses) == 6
    assert losses[-1] < 0.9 * losses[0]
    assert math.isfinite(reported["validation/AP"][-1])


def test_mask_rcnn_runs(folder: Path, tmp_path: Path) -> None:
    records = _records(tmp_path, "detection", "instance-segmentation")
    task = {"model": {"input_size": [PX, PX, 3], "num_classes": 2, "backbone": FROM_WEIGHTS}, **_data(records, 2)}
    task["validation_data"]["num_examples"] = 4
    reported = _trained(folder, tmp_path / "run", "maskrcnn", task, _steps(2, 1))
    assert all(math.isfinite(loss) and loss > 0 for loss in reported["train/mask_loss"])
    assert len(reported["train/mask_loss"]) == 2


def test_classification_runs(folder: Path, tmp_path: Path) -> None:
    records = _records(tmp_path, "classification", "classification")
    task = {"model": {"input_size": [64, 64, 3], "num_classes": 10}, **_data(records, 4)}
    reported = _trained(folder, tmp_path / "run", "classification", task, _steps(2, 1))
    assert len(reported["train/training_loss"]) == 2
    assert all(math.isfinite(loss) for loss in reported["train/training_loss"])
    assert 0 <= reported["validation/accuracy"][-1] <= 1


def test_segmentation_runs(folder: Path, tmp_path: Path) -> None:
    """From the weights of the detector, which its experiment names."""
    records = _records(tmp_path, "segmentation", "semantic-segmentation")
    task = {"model": {"input_size": [PX, PX, 3], "num_classes": 2}, **_data(records, 2, output_size=[PX, PX])}
    task["validation_data"]["output_size"] = [PX, PX]
    reported = _trained(folder, tmp_path / "run", "segmentation", task, _steps(2, 1))
    assert len(reported["train/training_loss"]) == 2
    assert all(math.isfinite(loss) for loss in reported["train/training_loss"])
    assert 0 <= reported["validation/mean_iou"][-1] <= 1
