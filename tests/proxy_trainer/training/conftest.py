"""Fixtures of the tests of training."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy_trainer.data.digits import make_digits
from tests.support.edge_case_coco import make_edge_case_coco


@pytest.fixture(scope="session", autouse=True)
def _tensorflow(tensorflow: None) -> None:
    """Most tests here run TensorFlow."""


@pytest.fixture(autouse=True)
def _shared_engines(shared_engines: None) -> None:
    """Trainings in this process use shared engines."""


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set of digits."""
    directory = tmp_path_factory.mktemp("digits") / "digits"
    make_digits(directory, train=200, val=40)
    return directory


@pytest.fixture(scope="session")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with three categories and the irregularities of real ones."""
    return make_edge_case_coco(tmp_path_factory.mktemp("odd") / "odd")
