"""Fixtures of the tests of detectors in their runtimes."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.detector_model import initial_model, save_detector
from search_space.document import BlockSpecification
from search_space.published import EFF_SPINENET_D0
from tests.support.edge_case_coco import SHAPES, make_edge_case_coco


@pytest.fixture(scope="session", autouse=True)
def _tensorflow(tensorflow: None) -> None:
    """Most tests here run TensorFlow."""


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with three categories, without a validation split."""
    return make_edge_case_coco(tmp_path_factory.mktemp("odd") / "odd")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory for the classes of `odd`, with initial weights."""
    network = EFF_SPINENET_D0.scaled(0.1, divisor=1, input_px=32, class_slots=3, subnet_width=4, subnet_layers=1)
    classes = [{"id": number, "name": name} for number, name in SHAPES.items()]
    out = tmp_path_factory.mktemp("initial") / "model"
    save_detector(initial_model(BlockSpecification(network, {}, classes=classes)), out)
    return out
