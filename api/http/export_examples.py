"""Example responses of the routes of exports."""

from __future__ import annotations

from typing import Any

_SHARED = (
    "The slice of the campaign's shared weights at 96 px with 4 to 40 channels, with recalibrated batch-norm "
    "statistics."
)
_TRAINED = "The best evaluation of the training with laptop-final on digits: ap 0.212."
_INITIAL = "Initial weights of seed 0 at 512 px with 16 to 152 channels; nothing was trained."
_FORMAT: dict[str, Any] = {
    "name": "detector",
    "purpose": "The configuration, and the weights by parameter name in safetensors, which effspine reads again.",
    "suffix": ".zip",
    "media_type": "application/zip",
    "place": "worker",
}
_QUEUED: dict[str, Any] = {
    "id": "e_1m81xk20d3zq0yb7",
    "campaign_id": "c_1m81wbxdc99wfqbs",
    "trial": 3,
    "training_id": None,
    "format": "detector",
    "weights": "shared",
    "about": _SHARED,
    "state": "queued",
    "progress": None,
    "attempts": 0,
    "error": None,
    "log_tail": None,
    "created_at": "2026-11-22T15:21:40.018232Z",
    "started_at": None,
    "finished_at": None,
    "file_name": "first-look-trial-3-detector-shared.zip",
    "media_type": "application/zip",
    "size_bytes": None,
    "sha256": None,
}
_OF_TRAINING = _QUEUED | {
    "campaign_id": None,
    "trial": None,
    "training_id": "t_1m81xk20d3zq0yb7",
    "format": "onnx",
    "weights": "training",
    "about": _TRAINED,
    "file_name": "eff-spinenet-d0-laptop-final-onnx.zip",
}
_COMPLETED = _QUEUED | {
    "state": "completed",
    "attempts": 1,
    "started_at": "2026-11-22T15:21:40.310562Z",
    "finished_at": "2026-11-22T15:21:58.772001Z",
    "size_bytes": 1_262_904,
    "sha256": "3b1f0c6b5f2d8c1e7a4f90d2b6c8e5a19f3d7b2c4e6a8095d1f2b3c4d5e6f708",
}

EXPORT_RESPONSES: dict[tuple[str, str], Any] = {
    ("get", "/v1/export-formats"): {"items": [_FORMAT], "next_cursor": None},
    ("get", "/v1/campaigns/{campaign_id}/exports"): {
        "campaign_id": "c_1m81wbxdc99wfqbs",
        "trial": 3,
        "training_id": None,
        "weights": [{"kind": "shared", "about": _SHARED}, {"kind": "initial", "about": _INITIAL}],
        "exports": [_COMPLETED],
    },
    ("post", "/v1/campaigns/{campaign_id}/exports"): _QUEUED,
    ("get", "/v1/trainings/{training_id}/exports"): {
        "campaign_id": None,
        "trial": None,
        "training_id": "t_1m81xk20d3zq0yb7",
        "weights": [{"kind": "training", "about": _TRAINED}],
        "exports": [],
    },
    ("post", "/v1/trainings/{training_id}/exports"): _OF_TRAINING,
    ("get", "/v1/exports/{export_id}"): _COMPLETED,
}
"""Responses by method and path."""
