"""Small trainings of every task on the embedded digits, by the recipes for laptops.

python -m tests.support.small_tasks TASK    prints what the learning test of the task measures; one to three minutes
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from proxy_trainer.data.digits import make_digits
from proxy_trainer.tasks.build import build_trainee
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from search_space.catalogue import Task
from search_space.detector_model import Tensors
from tests.support.catalogue_models import catalogue_model
from tests.support.small_recipes import small_recipe

MODELS: dict[Task, str] = {
    "detection": "EfficientNet-B0-FPN",
    "instance-segmentation": "Eff-SpineNet-D0 Mask R-CNN",
    "classification": "Eff-SpineNet-D0 classifier",
    "semantic-segmentation": "Eff-SpineNet-D0 segmentation",
}

TINY = {
    "image_px": 32,
    "width_multiplier": 0.1,
    "subnet_width": 4,
    "subnet_layers": 1,
    "batch_size": 2,
    "steps": 4,
    "warmup_steps": 0,
    "stochastic_depth": 0.2,
    "ema_decay": 0.9,
}
"""Fields of trainings that are only to run, not to learn."""


@dataclass(frozen=True)
class Lesson:
    """A training that learns in a minute or two: the arguments of the digits, and fields of the recipe."""

    digits: dict[str, Any]
    fields: dict[str, Any]


_SHARED = {"ema_decay": 0.95}

LESSONS: dict[Task, Lesson] = {  # those of detection are in test_fpn_detection.py
    "instance-segmentation": Lesson(
        {"train": 360, "val": 30, "image_px": 96, "object_px": (50.0, 105.0)},
        {"batch_size": 4, "steps": 600, "warmup_steps": 30, **_SHARED},
    ),
    "classification": Lesson(
        {"train": 1000, "val": 200},
        {"image_px": 48, "steps": 400, "warmup_steps": 20, "smallest_crop": 0.8, **_SHARED},
    ),
    "semantic-segmentation": Lesson(
        {"train": 360, "val": 60, "object_px": (40.0, 100.0)},
        {
            "image_px": 64,
            "width_multiplier": 0.2,
            "subnet_width": 16,
            "steps": 600,
            "warmup_steps": 30,
            **_SHARED,
        },
    ),
}


def learn(task: Task, directory: Path) -> tuple[list[dict[str, float]], dict[str, float | None]]:
    """The losses and the metrics of the task's lesson."""
    lesson = LESSONS[task]
    trainee = small_trainee(task, digits_for(task, directory / "digits", **lesson.digits), directory, **lesson.fields)
    return trained(trainee), trainee.evaluate()


def small_trainee(
    task: Task,
    data_dir: Path,
    cache_dir: Path,
    *,
    model: str | None = None,
    seed: int = 0,
    start: Tensors | None = None,
    **fields: Any,
) -> FixedTrainee[Any]:
    """A trainee of the task with the recipe for laptops and other `fields`."""
    found = catalogue_model(model or MODELS[task])
    recipe = small_recipe(found, **fields)
    return build_trainee(TaskOptions(found, data_dir, cache_dir, recipe, seed, start))


def digits_for(task: Task, directory: Path, *, train: int, val: int, image_px: int = 64, **arguments: Any) -> Path:
    """A digits data set in the layout of the task."""
    layouts: dict[Task, Any] = {"classification": "classification", "semantic-segmentation": "segmentation"}
    categories = 10 if task == "classification" else 1
    make_digits(
        directory,
        train=train,
        val=val,
        image_px=image_px,
        categories=categories,
        task=layouts.get(task, "detection"),
        **arguments,
    )
    return directory


def trained(trainee: FixedTrainee[Any]) -> list[dict[str, float]]:
    """Trains all steps of the recipe; returns the losses of each."""
    return [trainee.train_step(step, trainee.task.learning_rate_at(step)) for step in range(trainee.task.steps)]


if __name__ == "__main__":
    from proxy_trainer.engine import runtime
    from tests.support.processes import THREADS

    runtime.start(THREADS)
    with TemporaryDirectory() as temporary:
        losses, metrics = learn(sys.argv[1], Path(temporary))  # type: ignore[arg-type]
    print({"first": losses[0], "last": losses[-1], **metrics})
