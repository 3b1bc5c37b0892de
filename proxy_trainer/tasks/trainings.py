"""The tasks of `effspine train`: from the options of the command line to a training that is ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proxy_trainer.data.image_folder import load_image_folder
from proxy_trainer.data.task_layouts import check_layout
from proxy_trainer.data.voc_segmentation import load_voc_segmentation
from proxy_trainer.native_output import suppress_native_output
from proxy_trainer.training.course import Course
from proxy_trainer.training.detection_data import DetectionSplits
from proxy_trainer.training.detection_training import detection_training
from proxy_trainer.training.start_weights import FRESH, SHARED
from proxy_trainer.training.training_options import Training, TrainOptions
from search_space.architecture import Architecture
from search_space.catalogue import Model, Task
from search_space.detector_model import CONFIG_FILE, Tensors, load_detector
from search_space.errors import InvalidValueError
from search_space.recipes import resolve_recipe, steps_of
from search_space.source_commit import source_commit
from search_space.task_model import is_task_model, load_task_model
from search_space.task_recipes import TaskRecipe, baseline_recipe, task_recipe
from search_space.trained_model import check_recipe, known_task, trained_model

DEFAULT_EVALUATIONS = 10
"""Evaluations of a training whose recipe is in steps."""


def build_training(task: str, options: TrainOptions) -> Training:
    """The training of a task.

    Raises InvalidValueError for an unknown task and for two intervals of evaluations, and InvalidValueError or
    DataError for what cannot be trained; before TensorFlow is imported, where possible.
    """
    if options.evaluate_steps is not None and options.evaluate_epochs is not None:
        raise InvalidValueError(
            "--evaluate-steps and --evaluate-epochs are both given; give one of them", field="evaluate_steps"
        )
    task = known_task(task)
    model = trained_model(task, options.architecture)
    check_recipe(task, model, options.recipe, options.overrides)
    check_layout(options.data, task)
    if task == "detection":
        if isinstance(model, Architecture) or model.architecture is not None:
            return detection_training(options)
        start = _start(options.start)
        return _fixed_training(options, model, start, _baseline_course(options, model))
    start = _start(options.start)
    return _fixed_training(options, model, start, _task_course(task, options, model))


@dataclass(frozen=True)
class _Plan:
    """A recipe with its steps, the learning rate of each step, and the steps between evaluations."""

    recipe: TaskRecipe
    learning_rate_at: Callable[[int], float]
    evaluate_steps: int


def _task_course(task: Task, options: TrainOptions, model: Model | Architecture) -> _Plan:
    recipe = task_recipe(task, options.recipe, model, **options.overrides)
    recipe = recipe.on(_train_images(task, options.data, recipe))
    steps = recipe.training.steps
    return _Plan(recipe, recipe.training.learning_rate_at, max(1, steps // DEFAULT_EVALUATIONS))


def _baseline_course(options: TrainOptions, model: Model) -> _Plan:
    """The recipe of a detector for one of the networks that the paper compares with."""
    detection = resolve_recipe(options.recipe, options.overrides)
    images = len(DetectionSplits.load(options.data, detection.task).train)
    recipe = baseline_recipe(detection, model, images)
    return _Plan(
        recipe,
        lambda step: detection.learning_rate_at(step, images),
        detection.steps(detection.evaluate_epochs, images),
    )


def _train_images(task: Task, data: Path, recipe: TaskRecipe) -> int:
    """The number of training images of a data set in the layout of the task. Raises as its reader."""
    if task == "classification":
        return len(load_image_folder(data).train)
    if task == "semantic-segmentation":
        return len(load_voc_segmentation(data).train)
    return len(DetectionSplits.load(data, recipe.training).train)


def _fixed_training(options: TrainOptions, model: Model | Architecture, start: Tensors | None, plan: _Plan) -> Training:
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
    evaluate_steps = plan.evaluate_steps
    if options.evaluate_epochs is not None:
        evaluate_steps = steps_of(options.evaluate_epochs, trainee.train_images, task.batch_size)
    if options.evaluate_steps is not None:
        evaluate_steps = options.evaluate_steps
    course = Course(task.steps, trainee.train_images / task.batch_size, plan.learning_rate_at, evaluate_steps)
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
    return (load_task_model if is_task_model(directory) else load_detector)(directory).tensors
