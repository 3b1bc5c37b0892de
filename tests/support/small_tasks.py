"""Small trainings of every task on the embedded digits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proxy_trainer.data.digits import make_digits
from proxy_trainer.tasks.build import build_trainee
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from search_space.catalogue import Task
from search_space.task_network import catalogue_model
from search_space.task_recipes import task_recipe

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


def small_trainee(
    task: Task, data_dir: Path, cache_dir: Path, *, model: str | None = None, seed: int = 0, **fields: Any
) -> FixedTrainee[Any]:
    """A trainee of the task with the laptop recipe and other `fields`."""
    found = catalogue_model(model or MODELS[task])
    recipe = task_recipe(task, "laptop", found, **fields)
    return build_trainee(TaskOptions(found, data_dir, cache_dir, recipe, seed))


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
