"""Requests for trainings, and their progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas_controller.entities import TrainingProgressDocument
from nas_controller.execution.network_training import NetworkTraining, Result, train_network
from nas_controller.search.resources_spec import ResourcesSpec
from nas_controller.store import TrainingRequest
from nas_controller.supervision.training_job import Report
from nas_controller.trainings.files import run_directory
from search_space.architecture import Architecture
from search_space.detector_model import initial_model, save_detector
from search_space.document import BlockSpecification
from tests.support.small_trainings import TINY_FIELDS

SMALL = Architecture(tuple(range(4, 22)), name="small", input_px=64, subnet_width=8, class_slots=2)
REQUEST = TrainingRequest(
    name="D0",
    task="detection",
    dataset="digits",
    recipe="laptop-final",
    seed=3,
    start="fresh",
    model="Eff-SpineNet-D0",
    overrides={**TINY_FIELDS, "evaluate_epochs": 1},
)
"""A tiny training of two epochs, with an evaluation after each."""


def training_request(**changes: Any) -> TrainingRequest:
    """That request with other fields."""
    return replace(REQUEST, **changes)


def save_best(data_dir: Path, training_id: str, seed: int = 1) -> None:
    """Writes a best model of the training, as its worker does: SMALL with the initial weights of `seed`."""
    save_detector(initial_model(BlockSpecification(SMALL, {}), seed), run_directory(data_dir, training_id) / "best")


def progress_at(step: int, **values: Any) -> TrainingProgressDocument:
    """The progress after a step of 100, without an evaluation unless `values` have one."""
    known = {"epoch": None, "last": None, "best": None, "best_step": None, "seconds_left": 9.5}
    return TrainingProgressDocument(**{**known, "step": step, "steps": 100, "loss": 1.5, "metric": "ap", **values})


def train_here(
    work: NetworkTraining, resources: ResourcesSpec, begin: Callable[[], None], report: Report, stop: Callable[[], bool]
) -> Result:
    """Trains without Ray."""
    begin()
    return train_network(work, report, stop)
