from __future__ import annotations

from pathlib import Path

import numpy as np

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.inspection import box_levels, inspect_split
from search_space.proxy_task import resolve


def test_statistics_of_an_irregular_data_set(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    found = inspect_split(split, resolve("laptop", image_px=128, anchor_size=3.0))
    assert {name: found[name] for name in ("images", "boxes", "crowd_boxes", "empty_images")} == {
        "images": 12,
        "boxes": 18,
        "crowd_boxes": 1,
        "empty_images": 1,
    }
    assert (found["boxes_clipped"], found["boxes_without_area"]) == (1, 2)
    assert found["categories"] == [
        {"id": 3, "name": "square", "boxes": 7, "images": 7},
        {"id": 17, "name": "disc", "boxes": 7, "images": 7},
        {"id": 90, "name": "bar", "boxes": 4, "images": 4},
    ]
    assert sum(found["areas"].values()) == 17
    assert sum(found["levels"].values()) == 15
    assert (found["image_px"], found["anchor_size"]) == (128, 3.0)
    assert found["image_sizes"]["largest"] == [200, 133]


def test_levels_are_those_of_the_nearest_anchors() -> None:
    # Anchors of size 3 at stride 8 are 24, 30 and 38 px wide; at stride 16 they begin at 48.
    sides = np.array([5, 24, 38, 42, 44, 48, 96, 383, 5000], np.float32)
    corners = np.stack([np.zeros_like(sides), np.zeros_like(sides), sides / 2, sides * 2], axis=1)
    levels = box_levels(corners, np.ones(len(sides)), anchor_size=3.0)
    assert levels.tolist() == [3, 3, 3, 3, 4, 4, 5, 7, 7]
    assert (box_levels(corners, np.full(len(sides), 2.0), anchor_size=6.0) == levels).all()
