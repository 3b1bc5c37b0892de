"""The tasks of `effspine train`: from the options of the command line to a training that is ready to run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from proxy_trainer.data.coco_directory import load_dataset
from proxy_trainer.native_output import suppress_native_output
from proxy_trainer.training.course import Course
from proxy_trainer.training.detection_training import detection_training
from proxy_trainer.training.start_weights import FRESH, SHARED
from proxy_trainer.training.training_options import Training, TrainOptions
from search_space.architecture import Architecture
from search_space.catalogue import Model, Task
from search_space.detector_model import CONFIG_FILE, Tensors, load_detector
from search_space.errors import InvalidValueError
from search_space.recipes import resolve_recipe
from search_space.source_commit import source_commit
from search_space.task_model import FORMAT, load_task_model
from search_space.task_network import published_scale
from search_space.task_recipes import TaskRecipe, task_recipe
from search_space.trained_model import check_recipe, known_task, trained_model

DEFAULT_EVALUATIONS = 10
"""Evaluations of a training whose recipe is in steps."""


def build_training(task: str, options: TrainOptions) -> Training:
    """The training of a task.

    Raises InvalidValueError for an unknown task, and InvalidValueError or DataError for what cannot be trained; before
    TensorFlow is imported, where possible.
    """
    task = known_task(task)
    model = trained_model(task, options.architecture)
    check_recipe(task, model, options.recipe, options.overrides)
    if task == "detection":
        if isinstance(model, Architecture) or model.architecture is not None:
            return detection_training(options)
        return _fixed_training(options, model, _baseline_course(options, model))
    return _fixed_training(options, model, _task_course(task, options, model))


@dataclass(frozen=True)
class _Plan:
    """A recipe with its steps, the learning rate of each step, and the steps between evaluations."""

    recipe: TaskRecipe
    learning_rate_at: Callable[[int], float]
    evaluate_steps: int


def _task_course(task: Task, options: TrainOptions, model: Model | Architecture) -> _Plan:
    recipe = task_recipe(task, options.recipe, model, **options.overrides)
    steps = recipe.training.steps
    return _Plan(recipe, recipe.training.learning_rate_at, max(1, steps // DEFAULT_EVALUATIONS))


def _baseline_course(options: TrainOptions, model: Model) -> _Plan:
    """The recipe of a detector for one of the networks that the paper compares with.

    Its batch-norm statistics are averaged like its weights, in the place of the recalibration.
    """
    detection = resolve_recipe(options.recipe, options.overrides)
    task = detection.task
    train, _ = load_dataset(options.data, reserved_images=task.reserved_images, reserve_from=task.reserve_from, seed=0)
    images = len(train)
    training = replace(detection.task_for(images), recalibration_images=0)
    if not detection.fixed:
        scaled = published_scale(model, training)
        chosen = {name: getattr(task, name) for name in detection.overridden}
        training = replace(scaled, **chosen)
    recipe = TaskRecipe(detection.name, "detection", detection.source, training)
    return _Plan(
        recipe,
        lambda step: detection.learning_rate_at(step, images),
        detection.steps(detection.evaluate_epochs, images),
    )


def _fixed_training(options: TrainOptions, model: Model | Architecture, plan: _Plan) -> Training:
    start = _start(options.start)
    with suppress_native_output():
        from proxy_trainer.engine import runtime
        from proxy_trainer.tasks.build import build_trainee
        from proxy_trainer.tasks.fixed_network import TaskOptions
        from proxy_trainer.training.detection_trainee import versions

        runtime.start(options.threads)
    task, seed = plan.recipe.training, options.seed
    trainee = build_trainee(
        TaskOptions(model, options.data, options.cache_dir, plan.recipe, seed, start, options.threads)
    )
    per_epoch = trainee.train_images / task.batch_size
    evaluate_steps = plan.evaluate_steps
    if options.evaluate_epochs is not None:
        evaluate_steps = round(options.evaluate_epochs * per_epoch)
    if options.evaluate_steps is not None:
        evaluate_steps = options.evaluate_steps
    course = Course(task.steps, per_epoch, plan.learning_rate_at, evaluate_steps)
    identity = {**trainee.identity(), "versions": versions()}
    return Training(trainee, course, identity, {"name": model.name, **identity, "commit": source_commit()}, task)


def _start(start: str) -> Tensors | None:
    """The tensors of a model directory of any task; None for fresh weights."""
    if start == FRESH:
        return None
    if start == SHARED:
        raise InvalidValueError(
            "shared weights are those of scale-permuted detectors; start from a model directory", field="start"
        )
    directory = Path(start).expanduser()
    if not (directory / CONFIG_FILE).is_file():
        raise InvalidValueError(
            f"start is {start!r}; it must be {FRESH} or a model directory, which has {CONFIG_FILE}", field="start"
        )
    is_task_model = json.loads((directory / CONFIG_FILE).read_text(encoding="utf-8")).get("format") == FORMAT
    return (load_task_model if is_task_model else load_detector)(directory).tensors
