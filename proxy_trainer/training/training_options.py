"""What `effspine train` asks for, and a training that is ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy_trainer.training.course import Course
from proxy_trainer.training.trainee import Trainee
from search_space.proxy_task import ProxyTask


@dataclass(frozen=True)
class TrainOptions:
    """What a command line asks for.

    `architecture` is what `search_space.named_architecture` reads, or a model of the catalogue; `start` is `fresh`,
    `shared` or a model directory; `profile` is that of the shared weights. `evaluate_steps` and `evaluate_epochs`
    replace the recipe's, unless they are None.
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
