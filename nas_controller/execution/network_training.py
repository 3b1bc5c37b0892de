"""Trains one network in the process of a worker, by the trainer of `effspine train`.

Like `nas_controller.execution.worker`, it imports `proxy_trainer` only when it is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from search_space.errors import EffspineError, InvalidValueError

if TYPE_CHECKING:
    from proxy_trainer.training.training_run import Evaluation, RunProgress


Result = Literal["complete", "stopped", "busy"]
"""How an attempt has ended; `busy`: an earlier worker still trains in the directory, so it has not begun."""


class WorkerDiedError(EffspineError):
    """The worker that trained was killed, or its node was lost; another continues from the checkpoint."""


@dataclass(frozen=True)
class NetworkTraining:
    """What to train, where: `architecture` and `start` are what `effspine train` reads."""

    task: str
    architecture: str
    data: Path
    recipe: str
    overrides: Mapping[str, Any]
    start: str
    seed: int
    threads: int
    cache_dir: Path
    out: Path


@dataclass(frozen=True)
class NetworkProgress:
    """The progress of a training; `figures` are those of the best evaluation, and `last_step` is of the latest one."""

    step: int
    steps: int
    epoch: float | None
    loss: float | None
    metric: str
    last: float | None
    last_step: int | None
    best: float | None
    best_step: int | None
    seconds_left: float | None
    figures: dict[str, float | None] | None


def train_network(
    work: NetworkTraining, report: Callable[[NetworkProgress], None], is_stopped: Callable[[], bool]
) -> Result:
    """Trains to the end, or continues in its directory; returns `complete` or `stopped`.

    `report` is called after every step, and an exception of it ends the training as a kill would; `is_stopped` asks for
    an end after the next step, with a checkpoint. Raises EffspineError for what cannot be trained.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from proxy_trainer.tasks.trainings import build_training
    from proxy_trainer.training.error_classification import classify_error
    from proxy_trainer.training.training_options import TrainOptions
    from proxy_trainer.training.training_run import TrainingRun

    if work.start != "fresh":
        _check_held_out(work.data, work.task)
    options = TrainOptions(
        architecture=work.architecture,
        data=work.data,
        recipe=work.recipe,
        cache_dir=work.cache_dir,
        overrides=work.overrides,
        start=work.start,
        seed=work.seed,
        threads=work.threads,
    )
    training = build_training(work.task, options)
    metric = training.trainee.main_metric
    run = TrainingRun(
        training.trainee, training.course, work.out, identity=training.identity, description=training.description
    )

    def report_step(now: RunProgress) -> None:
        report(_progress(now, metric))

    try:
        result = run.run(report_step, is_stopped)
    except EffspineError:
        raise
    except Exception as error:
        found = classify_error(error, training.task, work.data)
        if found is None:
            raise
        raise found from error
    state = result.state
    report(
        NetworkProgress(
            result.steps_done,
            training.course.steps,
            loss=state.losses.get("loss"),
            metric=metric,
            seconds_left=None,
            **_evaluations(state.last, state.best, metric),
        )
    )
    return "complete" if result.is_complete else "stopped"


def _progress(now: RunProgress, metric: str) -> NetworkProgress:
    return NetworkProgress(
        now.step,
        now.steps,
        loss=now.loss,
        metric=metric,
        seconds_left=now.seconds_left,
        **_evaluations(now.last, now.best, metric),
    )


def _evaluations(last: Evaluation | None, best: Evaluation | None, metric: str) -> dict[str, Any]:
    """The fields of the latest and the best evaluation."""
    return {
        "epoch": None if last is None else last.epoch,
        "last": None if last is None else last.figures[metric],
        "last_step": None if last is None else last.step,
        "best": None if best is None else best.figures[metric],
        "best_step": None if best is None else best.step,
        "figures": None if best is None else best.figures,
    }


def _check_held_out(data: Path, task: str) -> None:
    """Raises InvalidValueError where start weights may have learned from the images that measure the AP."""
    from proxy_trainer.data.coco_directory import find_splits
    from proxy_trainer.data.task_layouts import COCO, LAYOUTS
    from search_space.trained_model import known_task

    if LAYOUTS[known_task(task)] == COCO and find_splits(data)[1] is None:
        raise InvalidValueError(
            f"{data} has no validation split, so the start weights may have learned from images that this training "
            "would reserve to measure its AP; start from fresh weights, or add a validation split",
            field="start",
        )
