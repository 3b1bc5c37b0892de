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
    "lowest_score": None,
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

_DETECTIONS = _QUEUED | {
    "format": "detections",
    "lowest_score": 0.3,
    "file_name": "first-look-trial-3-detections-shared.zip",
}
_PICTURES = "/v1/exports/e_1m81xk20d3zq0yb7/pictures"
_SAMPLE_IMAGE: dict[str, Any] = {
    "file_name": "000017.png",
    "width": 96,
    "height": 96,
    "truth": [{"box": [12.0, 30.0, 52.0, 71.0], "name": "digit", "is_crowd": False}],
    "truth_picture": f"{_PICTURES}/1-truth.jpg",
    "trial": [{"box": [11.42, 30.9, 52.77, 70.18], "name": "digit", "score": 0.871204}],
    "trial_picture": f"{_PICTURES}/1-trial.jpg",
    "baseline": [],
    "baseline_picture": f"{_PICTURES}/1-baseline.jpg",
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
    ("post", "/v1/campaigns/{campaign_id}/trials/{number}/detections"): _DETECTIONS,
    ("get", "/v1/campaigns/{campaign_id}/trials/{number}/detections"): {
        "campaign_id": "c_1m81wbxdc99wfqbs",
        "trial": 3,
        "lowest_score": 0.3,
        "unavailable": None,
        "about": _SHARED,
        "baseline_about": _SHARED,
        "export": _DETECTIONS
        | {
            name: _COMPLETED[name]
            for name in ("state", "attempts", "started_at", "finished_at", "size_bytes", "sha256")
        },
        "of_images": 500,
        "images": [_SAMPLE_IMAGE],
    },
}
"""Responses by method and path."""
