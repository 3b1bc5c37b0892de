"""The files of a training run's directory, which the trainer writes and the service reads."""

from __future__ import annotations

BEST, LAST, TENSORBOARD = "best", "last", "tensorboard"
CHECKPOINT, HISTORY, DESCRIPTION = "checkpoint", "history.jsonl", "run.json"
