"""The exported classes without weights: they start as ours do, and the backbone is what detectors expect of one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from exporters import EXPORTERS, Export
from exporters.pytorch.layout import torch_name
from search_space.cost import parameters
from search_space.document import BlockSpecification
from search_space.parameters import initial_values
from search_space.published import EFF_SPINENETS
from search_space.topology import BLOCKS
from tests.support.export_runtime import run_export

PROGRAM = Path(__file__).parent / "programs" / "construction.py"
NETWORK = EFF_SPINENETS["M0"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, np.ndarray]:
    folder, out = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("out") / "out.npz"
    EXPORTERS["pytorch"].write(Export(BlockSpecification(NETWORK, {})), folder)
    run_export([PROGRAM, folder, out], folder=folder)
    return np.load(out)


def test_initial_values_have_our_distribution(found: Mapping[str, np.ndarray]) -> None:
    """Kernels have our standard deviation, within five standard errors; all other values are exactly ours."""
    for parameter in parameters(NETWORK):
        ours, theirs = initial_values([parameter], 0), found[f"initial/{torch_name(parameter)}"]
        if len(parameter.shape) == 4:
            predicts = parameter.role == "kernel" and "/predict/" in parameter.name
            deviation = 0.01 if predicts else math.sqrt(1 / parameter.fan_in)
            error = 5 / math.sqrt(2 * parameter.size)
            assert abs(theirs.std() / deviation - 1) < error, parameter.name
            assert abs(theirs.mean()) < 5 * deviation / math.sqrt(parameter.size), parameter.name
        else:
            np.testing.assert_array_equal(theirs.ravel(), ours, err_msg=parameter.name)


def test_stochastic_depth_grows_with_the_block(found: Mapping[str, np.ndarray]) -> None:
    for block in BLOCKS:
        rate = found[f"drop/backbone.block{block.number}.mbconv1"]
        assert rate == pytest.approx(0.2 * block.number / len(BLOCKS))


def test_dropped_branches_keep_their_expectation(found: Mapping[str, np.ndarray]) -> None:
    dropped = found["dropped"][:, :, 0, 0]
    np.testing.assert_array_equal(dropped[:, 0], dropped[:, 1])
    assert sorted({round(float(value), 5) for value in dropped[:, 0]}) == [0.0, round(1 / 0.7, 5)]
    assert dropped.mean() == pytest.approx(1.0, abs=0.03)


def test_the_backbone_returns_five_levels_as_torchvision_and_timm_expect(found: Mapping[str, np.ndarray]) -> None:
    width = NETWORK.subnet_width
    assert list(found["keys"]) == ["0", "1", "2", "3", "4"]
    assert int(found["out_channels"]) == width
    assert found["sizes"].tolist() == [
        [2, width, math.ceil(75 / 2**level), math.ceil(133 / 2**level)] for level in range(3, 8)
    ]
    assert json.loads(str(found["feature_info"])) == [
        {"num_chs": width, "reduction": 2**level, "module": f"endpoint{level}"} for level in range(3, 8)
    ]
