"""The tasks of `effspine train`: what each builds from the options of the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy_trainer.training.course import Course
from proxy_trainer.training.trainee import Trainee
from search_space.errors import InvalidValueError
from search_space.proxy_task import ProxyTask


@dataclass(frozen=True)
class TrainOptions:
    """What a command line asks for.

    `architecture` is what `search_space.named_architecture` reads; `start` is `fresh`, `shared` or a model directory;
    `profile` is that of the shared weights. `evaluate_steps` and `evaluate_epochs` replace the recipe's, unless they
    are None.
    """

    architecture: str
    data: Path
    recipe: str
    cache_dir: Path
    overrides: Mapping[str, Any]
    start: str = "fresh"
    profile: str = "laptop"
    seed: int = 0
    threads: int = 1
    evaluate_steps: int | None = None
    evaluate_epochs: int | None = None


@dataclass(frozen=True)
class Training:
    """A training that is ready to run: the arguments of `TrainingRun`, its fields, and sentences for a person."""

    trainee: Trainee
    course: Course
    identity: Mapping[str, Any]
    description: Mapping[str, Any]
    task: ProxyTask
    notes: tuple[str, ...] = ()


def _detection(options: TrainOptions) -> Training:
    from proxy_trainer.training.detection_training import detection_training

    return detection_training(options)


TASKS: dict[str, Callable[[TrainOptions], Training]] = {"detection": _detection}
"""By name; each raises InvalidValueError or DataError for what cannot be trained, before TensorFlow is imported."""


def build_training(task: str, options: TrainOptions) -> Training:
    """The training of a task. Raises InvalidValueError for an unknown one, and as its entry of `TASKS`."""
    if task not in TASKS:
        raise InvalidValueError(f"task is {task!r}; it must be one of {', '.join(TASKS)}", field="task")
    return TASKS[task](options)
