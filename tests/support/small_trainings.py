"""Options of trainings of tiny detectors, which share one graph in a process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proxy_trainer.training.training_options import TrainOptions
from tests.support.processes import THREADS

TINY_FIELDS: dict[str, Any] = {
    "image_px": 32,
    "width_multiplier": 0.1,
    "subnet_width": 4,
    "subnet_layers": 1,
    "batch_size": 4,
    "recalibration_images": 8,
    "ema_decay": 0.9,
    "learning_rate": 0.005,
    "epochs": 2,
}
"""In the place of the fields of `laptop-final`."""


def tiny_options(data: Path, cache: Path, **changes: Any) -> TrainOptions:
    """Two epochs, with an evaluation after each; `fields` replace further ones of the recipe."""
    fields = {**TINY_FIELDS, **changes.pop("fields", {})}
    defaults: dict[str, Any] = {
        "architecture": "Eff-SpineNet-D0",
        "data": data,
        "recipe": "laptop-final",
        "cache_dir": cache,
        "overrides": fields,
        "seed": 3,
        "threads": THREADS,
        "evaluate_epochs": 1,
    }
    return TrainOptions(**{**defaults, **changes})


def as_arguments(fields: dict[str, Any]) -> list[str]:
    """The fields as options of a command line."""
    return [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
