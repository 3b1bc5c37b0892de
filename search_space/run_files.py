"""The files of a training run's directory, which the trainer writes and the service reads."""

from __future__ import annotations

from pathlib import Path

from search_space.errors import InvalidValueError

BEST, LAST, TENSORBOARD = "best", "last", "tensorboard"
CHECKPOINT, HISTORY, DESCRIPTION = "checkpoint", "history.jsonl", "run.json"


def run_model(directory: Path) -> Path | None:
    """The model directory of a run, finished or not: its best one. None where the directory is not that of a run.

    A run that was not evaluated yet has the last one only, and one that has just begun none; then raises
    InvalidValueError.
    """
    if not (directory / CHECKPOINT).is_file():
        return None
    for name in (BEST, LAST):
        if (directory / name).is_dir():
            return directory / name
    raise InvalidValueError(
        f"the training in {directory} has no model yet; it has one after its first evaluation or after five minutes",
        field="model",
    )
