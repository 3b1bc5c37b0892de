"""Requests for trainings, and their progress."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nas_controller.entities import TrainingProgressDocument
from nas_controller.store import TrainingRequest
from tests.support.small_trainings import TINY_FIELDS

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


def progress_at(step: int, **values: Any) -> TrainingProgressDocument:
    """The progress after a step of 100, without an evaluation unless `values` have one."""
    known = {"epoch": None, "last": None, "best": None, "best_step": None, "seconds_left": 9.5}
    return TrainingProgressDocument(**{**known, "step": step, "steps": 100, "loss": 1.5, "metric": "ap", **values})
