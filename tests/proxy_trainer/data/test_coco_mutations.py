"""Annotation files with values of the wrong kind in any place: read consistently, or refused in one line."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.coco_boxes import MAX_AREA
from proxy_trainer.errors import DataError
from tests.support.annotation_tools import document, save_folder

VALUES: tuple[Any, ...] = (
    *(..., None, True, False, 0, 1, 2, -1, 1.0, 1.5, 2**53, 2**64, 10**400, 1e300, math.nan, math.inf),
    *("", "1", "x", "a.jpg", "/", "..", "\0", "\ud800", "\x1b[2J", "n" * 5000),
    *([], [1], [1, 2, 3, 4], [[1, 2, 5, 2, 5, 9]], {}, {"size": [3, 3], "counts": [0, 9]}, {"image_id": 1, "bbox": []}),
)


def _places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside a document."""
    children = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [each for key, value in children for each in [(*path, key), *_places(value, (*path, key))]]


def _mutated(rng: np.random.Generator) -> dict[str, Any]:
    changed = copy.deepcopy(document())
    changed["annotations"][0]["segmentation"] = [[1, 2, 11, 2, 11, 14]]
    for _ in range(rng.integers(1, 4)):
        places = _places(changed)
        if not places:
            break
        *parents, last = places[rng.integers(len(places))]
        parent = changed
        for key in parents:
            parent = parent[key]
        value = VALUES[rng.integers(len(VALUES))]
        if value is ...:
            del parent[last]
        else:
            parent[last] = copy.deepcopy(value)
    return changed


@pytest.mark.parametrize("seed", range(4))
def test_any_value_in_any_place(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    save_folder(tmp_path, document())
    accepted, refusals = 0, []
    for _ in range(150):
        changed = _mutated(rng)
        (tmp_path / "annotations.json").write_text(json.dumps(changed))
        try:
            split = load_split(tmp_path / "images", tmp_path / "annotations.json")
        except DataError as error:
            refusals.append(str(error))
            continue
        accepted += 1
        count, boxes = len(split), len(split.boxes)
        assert len(split.file_names) == len(split.sizes) == len(split.image_ranks) == count
        assert sorted(split.image_ranks) == list(range(count))
        assert split.box_images.shape == split.categories.shape == split.areas.shape == split.crowd.shape == (boxes,)
        assert (split.sizes > 0).all()
        assert np.isfinite(split.boxes).all()
        assert (split.boxes[:, 2:] >= 0).all()
        assert ((split.areas >= 0) & (split.areas <= MAX_AREA)).all()
        assert ((split.categories >= 0) & (split.categories < len(split.category_names))).all()
        assert ((split.box_images >= 0) & (split.box_images < count)).all()
        assert len(set(split.category_names)) == len(split.category_names)
        dropped = {"annotation-without-image", "annotation-without-box"}
        counts = {finding.kind: finding.count for finding in split.findings}
        assert boxes + sum(counts.get(kind, 0) for kind in dropped) >= len(changed["annotations"])
        for index in range(count):
            assert split.path(index).resolve().is_relative_to(tmp_path / "images")
            split.path(index).is_file()
        assert split.training_boxes.corners.dtype == np.float32
    assert accepted > 20
    assert refusals
    assert all("\n" not in message and len(message) < 600 for message in refusals)
