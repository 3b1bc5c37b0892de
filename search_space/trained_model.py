"""What a training is of, and checks of its recipe: shared by `effspine train` and the service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_space.architecture import Architecture
from search_space.catalogue import CATALOGUE, TASKS, Model, Task, architecture_for
from search_space.errors import InvalidValueError
from search_space.named_architecture import named_architecture
from search_space.recipes import resolve_recipe
from search_space.task_recipes import baseline_recipe, task_recipe


def known_task(name: str) -> Task:
    """The task of this name. Raises InvalidValueError."""
    if name not in TASKS:
        raise InvalidValueError(f"task is {name!r}; it must be one of {', '.join(TASKS)}", field="task")
    return name


def catalogue_model(task: Task, name: str) -> Model | None:
    """The model of the catalogue for this task with this name, in any case of its letters; None without one."""
    return next((model for model in CATALOGUE if model.task == task and model.name.lower() == name.lower()), None)


def _model_on(task: Task, name: str) -> Model | None:
    """The model of a task on the backbone of the scale-permuted detector with this name; None without one."""
    for model in CATALOGUE:
        if model.task == task and model.architecture is not None and model.architecture.name.lower() == name.lower():
            return model
    return None


def model_names(task: Task) -> str:
    """The names of the catalogue's models for a task, for a sentence."""
    return ", ".join(model.name for model in CATALOGUE if model.task == task)


def trained_model(task: Task, text: str) -> Model | Architecture:
    """The model of the catalogue for this task with this name, or else the architecture that the text names.

    Of another task than detection, an architecture is that of `architecture_for`, and the name of a scale-permuted
    detector stands for the model of the task on its backbone, if there is one. Raises InvalidValueError where it is
    neither.
    """
    if not Path(text).expanduser().exists():
        if (model := catalogue_model(task, text)) is not None:
            return model
        if (model := _model_on(task, text)) is not None:
            return model
    try:
        return architecture_for(task, named_architecture(text).architecture)
    except InvalidValueError as error:
        if Path(text).expanduser().exists() or "," in text:
            raise
        raise InvalidValueError(_unknown(task, text), field="architecture") from error


def _unknown(task: Task, text: str) -> str:
    """A sentence about a name that is neither a model of the task nor an architecture."""
    for other in TASKS:
        if (model := catalogue_model(other, text)) is not None:
            return f"{model.name} is a model for {other}, not for {task}; train it with --task {other}"
    others = "" if task == "detection" else "an Eff-SpineNet detector, "
    return (
        f"architecture is {text!r}; for {task} it must be one of {model_names(task)}, or {others}18 widths separated "
        "by commas, a block specification file or a model directory"
    )


def check_recipe(task: Task, model: Model | Architecture, recipe: str, overrides: Mapping[str, Any]) -> None:
    """Raises InvalidValueError, with the field, for an unknown recipe or field, or a value out of its range."""
    if task == "detection":
        found = resolve_recipe(recipe, overrides)
        if isinstance(model, Model) and model.architecture is None:
            baseline_recipe(found, model, images=found.task.batch_size)
        return
    task_recipe(task, recipe, model, **overrides)
