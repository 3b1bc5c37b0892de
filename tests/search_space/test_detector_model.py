"""Detector directories: what is saved is loaded, and damage is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search_space.cost import parameters
from search_space.detector_model import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    DetectorModel,
    initial_model,
    load_detector,
    save_detector,
)
from search_space.document import BlockSpecification
from search_space.errors import InvalidValueError
from search_space.published import EFF_SPINENET_D0

CLASSES = [{"id": 7, "name": "cat"}, {"id": "dog", "name": "dog"}]
SMALL = EFF_SPINENET_D0.scaled(0.1, divisor=1, input_px=64, subnet_width=4, subnet_layers=1, class_slots=2)


def model() -> DetectorModel:
    """A small detector with two classes and initial weights."""
    return initial_model(BlockSpecification(SMALL, {}, anchor_size=2.0, classes=CLASSES), seed=3)


def test_a_directory_holds_the_model(tmp_path: Path) -> None:
    initial = model()
    saved = replace(initial, specification=replace(initial.specification, figures={"ap": 0.5}))
    save_detector(saved, tmp_path / "new" / "detector")
    loaded = load_detector(tmp_path / "new" / "detector")
    assert loaded.architecture == SMALL
    assert (loaded.origin, loaded.seed) == ("initial", 3)
    assert (loaded.specification.anchor_size, loaded.specification.classes) == (2.0, CLASSES)
    assert loaded.specification.figures == {"ap": 0.5}
    assert loaded.tensors.keys() == saved.tensors.keys() == {p.name for p in parameters(SMALL)}
    for name, values in saved.tensors.items():
        np.testing.assert_array_equal(loaded.tensors[name], values)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    save_detector(model(), tmp_path)
    content = (tmp_path / WEIGHTS_FILE).read_bytes()
    (tmp_path / WEIGHTS_FILE).write_bytes(content[:-4] + b"\0\0\0\1")
    with pytest.raises(InvalidValueError, match="SHA-256 differs"):
        load_detector(tmp_path)
    (tmp_path / WEIGHTS_FILE).unlink()
    with pytest.raises(InvalidValueError, match=r"model\.safetensors cannot be read: No such file"):
        load_detector(tmp_path)


def test_tensors_of_another_architecture_are_refused(tmp_path: Path) -> None:
    broken = dict(model().tensors)
    broken["stem/conv/kernel"] = np.zeros((3, 3, 3, 99), np.float32)
    save_detector(DetectorModel(model().specification, broken, "initial", 3), tmp_path)
    with pytest.raises(InvalidValueError, match=r"stem/conv/kernel has shape \(3, 3, 3, 99\); this"):
        load_detector(tmp_path)


def test_a_specification_without_weights_is_no_detector(tmp_path: Path) -> None:
    save_detector(model(), tmp_path)
    document = json.loads((tmp_path / CONFIG_FILE).read_text())
    (tmp_path / CONFIG_FILE).write_text(json.dumps({**document, "weights": None}))
    with pytest.raises(InvalidValueError, match="has no weights"):
        load_detector(tmp_path)


def test_constants_of_another_detector_are_refused(tmp_path: Path) -> None:
    save_detector(model(), tmp_path)
    document = json.loads((tmp_path / CONFIG_FILE).read_text())
    document["detector"]["suppression"]["iou"] = 0.9
    (tmp_path / CONFIG_FILE).write_text(json.dumps(document))
    with pytest.raises(InvalidValueError, match=r"detector\.suppression is .*0\.9.*; it must be .*0\.5"):
        load_detector(tmp_path)
