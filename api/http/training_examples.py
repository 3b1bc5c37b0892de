"""Example responses of the routes of trainings."""

from __future__ import annotations

from typing import Any

_QUEUED: dict[str, Any] = {
    "id": "t_1m81xk20d3zq0yb7",
    "name": "Eff-SpineNet-D0, laptop-final",
    "task": "detection",
    "campaign_id": None,
    "trial": None,
    "model": "Eff-SpineNet-D0",
    "specification": None,
    "dataset": "digits",
    "recipe": "laptop-final",
    "overrides": {"epochs": 8},
    "seed": 1,
    "start": "fresh",
    "resources": {"cpus": None, "gpus": None, "tpus": 0},
    "state": "queued",
    "progress": None,
    "figures": None,
    "attempts": 0,
    "device_seconds": 0.0,
    "error": None,
    "log_tail": None,
    "created_at": "2026-11-22T15:21:40.018232Z",
    "started_at": None,
    "finished_at": None,
    "last_event": 1,
}
_PROGRESS: dict[str, Any] = {
    "step": 640,
    "steps": 1000,
    "epoch": 4.0,
    "loss": 0.731,
    "metric": "ap",
    "last": 0.212,
    "best": 0.212,
    "best_step": 500,
    "seconds_left": 93.5,
}
_RUNNING = _QUEUED | {
    "state": "running",
    "progress": _PROGRESS,
    "figures": {"ap": 0.212, "ap50": 0.431},
    "attempts": 1,
    "device_seconds": 188.4,
    "started_at": "2026-11-22T15:21:40.518232Z",
    "last_event": 3,
}
_ROW: dict[str, Any] = {
    "step": 500,
    "epoch": 4.0,
    "learning_rate": 0.0182,
    "losses": {"loss": 0.764, "class": 0.401, "box": 0.363},
    "metrics": {"ap": 0.212, "ap50": 0.431},
    "seconds": 151.2,
}

TRAINING_RESPONSES: dict[tuple[str, str], Any] = {
    ("post", "/v1/trainings"): _QUEUED,
    ("get", "/v1/trainings"): {"items": [_RUNNING], "next_cursor": None},
    ("get", "/v1/trainings/{training_id}"): _RUNNING,
    ("get", "/v1/trainings/{training_id}/history"): {"items": [_ROW], "next_cursor": None},
    ("post", "/v1/trainings/{training_id}/stop"): _RUNNING | {"state": "stopping", "last_event": 4},
    ("post", "/v1/trainings/{training_id}/resume"): _QUEUED | {"last_event": 6},
}
