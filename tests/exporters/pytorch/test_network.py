"""The exported network computes what the engine's does, in the framework that it is for.

They agree where no value of a tensor differs from the expected one by more than 1e-4 of the largest expected value of
that tensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from exporters.pytorch.layout import torch_name
from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.architecture import Architecture, Operations
from search_space.cost import cost_report, parameters
from search_space.networks.retinanet import LEVELS, retinanet
from search_space.parameters import by_kind
from tests.support.export_runtime import run_export
from tests.support.exported_folders import ODD, SMALL, exported, images, random_model
from tests.support.random_detectors import REPEATED, UNEQUAL

PROGRAM = Path(__file__).parent / "programs" / "outputs.py"
TOLERANCE = 1e-4
BATCH_WEIGHT = 0.01
"""Weight of a batch in the running statistics that the template is published with."""


def _ablated(**changes: Any) -> Architecture:
    return replace(UNEQUAL, operations=Operations(**changes))


CASES: dict[str, tuple[Architecture, tuple[int, int]]] = {
    "unequal": (UNEQUAL, SMALL),
    "repeated": (REPEATED, ODD),
    "sum": (_ablated(weighted_fusion=False), SMALL),
    "depthwise": (_ablated(space_to_depth=False), SMALL),
    "no-squeeze": (_ablated(squeeze_excitation=False), SMALL),
    "relu": (_ablated(activation="relu"), SMALL),
    "no-stochastic-depth": (_ablated(stochastic_depth=False), SMALL),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mapping[str, np.ndarray]]:
    """What the exported networks compute, by case."""
    directory = tmp_path_factory.mktemp("networks")
    for name, (architecture, size) in CASES.items():
        exported(random_model(architecture), directory / name / "model")
        np.save(directory / name / "images.npy", images(size))
    run_export([PROGRAM, *(directory / name for name in CASES)], folder=directory)
    return {name: np.load(directory / name / "outputs.npz") for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_the_cost_is_exactly_ours(outputs: dict[str, Mapping[str, np.ndarray]], name: str) -> None:
    cost = cost_report(CASES[name][0])
    found = {each: int(outputs[name][each]) for each in ("params", "madds", "madds_profiler")}
    assert found == {each: getattr(cost, each) for each in found}


@pytest.mark.parametrize("mode", ["inference", "training"])
@pytest.mark.parametrize("name", CASES)
def test_raw_outputs_are_those_of_the_engine(
    outputs: dict[str, Mapping[str, np.ndarray]], name: str, mode: str
) -> None:
    architecture, size = CASES[name]
    model = random_model(architecture)
    tensors = {parameter: tf.constant(values) for parameter, values in model.tensors.items()}
    ops = TensorOps(tensors, training=mode == "training")
    expected = retinanet(ops, architecture, tf.constant(images(size)))
    for kind, maps, values in (("logits", expected.class_logits, 3), ("codes", expected.boxes, 4)):
        flat = np.concatenate([maps[level].numpy().reshape(len(images(size)), -1, values) for level in LEVELS], axis=1)
        _assert_close(outputs[name][f"{mode}/{kind}"], flat)
    if mode == "training":
        _assert_statistics(outputs[name], model.tensors, ops.batch_statistics, architecture)


def _assert_statistics(found: Mapping[str, np.ndarray], before: Any, batch: Any, architecture: Architecture) -> None:
    """The running statistics after one batch are the mean of the old ones and those of the batch."""
    _, statistics = by_kind(parameters(architecture))
    assert statistics
    for parameter in statistics:
        expected = (1 - BATCH_WEIGHT) * before[parameter.name] + BATCH_WEIGHT * batch[parameter.name].numpy()
        _assert_close(found[f"after/{torch_name(parameter)}"], expected)


def _assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= TOLERANCE * np.abs(expected).max()
