"""Example responses of the routes of data sets."""

from __future__ import annotations

from typing import Any

_DATASET = {
    "name": "birds",
    "path": "/home/you/birds",
    "is_there": True,
    "has_preview": True,
    "report": {
        "registered_at": "2026-11-22T14:51:20Z",
        "splits": {
            "train": {
                "images_dir": "/home/you/birds/images",
                "annotations": "/home/you/birds/annotations.json",
                "annotations_sha256": "6b3802280b171acba0ea0d64eabb03b36b3802280b171acba0ea0d64eabb03b3",
                "images": 310,
                "boxes": 522,
                "crowd_boxes": 0,
                "empty_images": 12,
                "boxes_clipped": 3,
                "boxes_without_area": 0,
                "image_sizes": {"smallest": [640, 480], "median": [1280, 960], "largest": [1280, 960]},
                "areas": {"small": 40, "medium": 312, "large": 170},
                "image_px": 128,
                "anchor_size": 2.0,
                "levels": {"P3": 460, "P4": 62, "P5": 0, "P6": 0, "P7": 0},
                "categories": [{"id": 1, "name": "wren", "boxes": 522, "images": 298}],
                "images_decoded": 256,
            }
        },
        "warnings": [
            {
                "kind": "area-invalid",
                "count": 4,
                "message": "annotations.json: 4 annotations with an area that is not a number above 0, up to 1e+10; "
                "width times height is taken",
                "examples": ["annotations[12] (id 13)"],
            }
        ],
    },
    "register_command": None,
}

DATASET_RESPONSES: dict[tuple[str, str], Any] = {
    ("get", "/v1/datasets"): {
        "items": [{"name": "birds", "path": "/home/you/birds", "is_there": True, "warnings": 1}],
        "next_cursor": None,
    },
    ("get", "/v1/datasets/{name}"): _DATASET,
}
"""Responses by method and path."""
