"""`effspine train --task`: every task and every network that the paper compares with trains, resumes and is saved."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.digits import make_digits
from proxy_trainer.tasks.trainings import build_training
from proxy_trainer.training.training_options import Training, TrainOptions
from proxy_trainer.training.training_run import RunResult, TrainingRun
from search_space.errors import InvalidValueError
from search_space.task_model import load_task_model
from tests.support.processes import THREADS
from tests.support.small_tasks import TINY
from tests.support.small_trainings import TINY_FIELDS

IMAGES = {"train": 8, "val": 4, "image_px": 64}


def options(data: Path, architecture: str, recipe: str = "laptop", **fields: Any) -> TrainOptions:
    """A training of four steps."""
    return TrainOptions(architecture, data, recipe, data.parent / "cache", fields or TINY, seed=3, threads=THREADS)


def run(task: str, chosen: TrainOptions, out: Path) -> RunResult:
    return run_of(build_training(task, chosen), out)


def run_of(training: Training, out: Path, stop_after: int | None = None) -> RunResult:
    run = TrainingRun(
        training.trainee, training.course, out, identity=training.identity, description=training.description
    )
    return run.run(is_stopped=lambda: training.trainee.steps_done == stop_after)


def test_a_classifier_is_resumed_to_the_bit_and_saved(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", task="classification", categories=10, **{**IMAGES, "train": 20, "val": 10})
    chosen = options(tmp_path / "digits", "eff-spinenet-d0 CLASSIFIER")
    training = build_training("classification", chosen)
    initial = training.trainee.state()
    assert run_of(training, tmp_path / "one").is_complete
    training.trainee.restore(initial)  # another trainee would trace its graphs again
    assert not run_of(training, tmp_path / "two", stop_after=2).is_complete
    assert run("classification", chosen, tmp_path / "two").is_complete
    models = [load_task_model(tmp_path / each / "best") for each in ("one", "two")]
    assert models[0].network.task == "classification"
    for name, values in models[0].tensors.items():
        np.testing.assert_array_equal(values, models[1].tensors[name])
    document = json.loads((tmp_path / "two" / "run.json").read_text())
    assert (document["state"], document["main_metric"]) == ("complete", "top1")
    with pytest.raises(InvalidValueError, match="seed"):
        run("classification", replace(chosen, seed=4), tmp_path / "two")


def test_a_baseline_learns_by_the_recipe_of_detectors(tmp_path: Path) -> None:
    """The others do so in `test_fpn_detection.py`."""
    model = "EfficientNet-B0-FPN"
    make_digits(tmp_path / "digits", **IMAGES)
    fields = TINY_FIELDS | {"epochs": 20, "evaluate_epochs": 0, "learning_rate": 0.02}
    del fields["recalibration_images"]
    chosen = options(tmp_path / "digits", model, "laptop-final", **fields)
    assert build_training("detection", chosen).course.steps == 40
    result = run("detection", chosen, tmp_path / "out")
    assert result.state.best is not None
    assert result.state.best.figures["ap"] is not None
    assert load_task_model(tmp_path / "out" / "best").name == model
    rows = (tmp_path / "out" / "history.jsonl").read_text().splitlines()
    losses = [json.loads(row)["losses"]["loss"] for row in rows]
    assert len(losses) == 40
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5]), losses


def test_epochs_between_evaluations_are_counted_as_those_of_a_training(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", task="segmentation", **{**IMAGES, "train": 9})
    chosen = replace(options(tmp_path / "digits", "Eff-SpineNet-D0 segmentation"), evaluate_epochs=1)
    assert build_training("semantic-segmentation", chosen).course.evaluate_steps == 5  # of 4.5 batches


@pytest.mark.parametrize("content", ["{", "[]", "5"])
def test_a_damaged_configuration_to_start_from_is_named(tmp_path: Path, content: str) -> None:
    make_digits(tmp_path / "digits", task="classification", categories=10, **IMAGES)
    (tmp_path / "config.json").write_text(content)
    chosen = replace(options(tmp_path / "digits", "Eff-SpineNet-D0 classifier"), start=str(tmp_path))
    with pytest.raises(InvalidValueError, match=r"config\.json"):
        build_training("classification", chosen)


def test_a_segmentation_starts_from_a_model_directory(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", task="segmentation", **IMAGES)
    chosen = options(tmp_path / "digits", "Eff-SpineNet-D0")
    run("semantic-segmentation", chosen, tmp_path / "first")
    again = replace(chosen, start=str(tmp_path / "first" / "best"), seed=5)
    tensors = build_training("semantic-segmentation", again).trainee.state()
    fresh = build_training("semantic-segmentation", replace(chosen, seed=5)).trainee.state()
    assert not np.array_equal(tensors["weights"], fresh["weights"])


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        ("drawing", {}, "task is 'drawing'; it must be one of detection, instance-segmentation"),
        (
            "classification",
            {"architecture": "resnet"},
            "for classification it must be one of Eff-SpineNet-D0 classifier",
        ),
        ("classification", {"recipe": "fast"}, "for classification it must be one of paper, laptop"),
        ("classification", {"start": "shared"}, "start from a model directory"),
        ("classification", {"start": "nowhere"}, "it must be fresh or a model directory"),
        ("classification", {"evaluate_steps": 2, "evaluate_epochs": 1}, "--evaluate-epochs are both given"),
        ("detection", {"evaluate_steps": 2, "evaluate_epochs": 0}, "--evaluate-epochs are both given"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, task: str, changes: dict[str, Any], message: str) -> None:
    chosen = replace(options(tmp_path, "Eff-SpineNet-D0 classifier"), **changes)
    with pytest.raises(InvalidValueError, match=message):
        build_training(task, chosen)
