"""The network of built-in Keras layers computes what the engine's does, in inference and in training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exporters.keras.model import keras_network
from search_space.architecture import Architecture, Operations
from search_space.cost import cost_report
from search_space.networks.retinanet import LEVELS
from tests.support.engine_outputs import ODD, SMALL, assert_close, engine_outputs, random_detector
from tests.support.random_detectors import REPEATED, UNEQUAL

pytestmark = pytest.mark.usefixtures("tensorflow")

ABLATIONS = {
    "sum": Operations(weighted_fusion=False),
    "depthwise": Operations(space_to_depth=False),
    "no-squeeze": Operations(squeeze_excitation=False),
    "relu": Operations(activation="relu"),
    "no-stochastic-depth": Operations(stochastic_depth=False),
}
ALL_ABLATED = Operations(
    weighted_fusion=False, space_to_depth=False, squeeze_excitation=False, activation="relu", stochastic_depth=False
)
CASES = [
    pytest.param(replace(UNEQUAL, operations=ALL_ABLATED), SMALL, id="all-ablated"),
    pytest.param(REPEATED, ODD, id="repeated", marks=pytest.mark.slow),
    pytest.param(UNEQUAL, SMALL, id="unequal", marks=pytest.mark.slow),
    *(
        pytest.param(replace(UNEQUAL, operations=operations), SMALL, id=name, marks=pytest.mark.slow)
        for name, operations in ABLATIONS.items()
    ),
]


@pytest.mark.parametrize(("architecture", "size"), CASES)
def test_it_is_the_network_of_the_engine(architecture: Architecture, size: tuple[int, int]) -> None:
    model = random_detector(architecture)
    inputs = np.random.default_rng(2).normal(size=(3, *size, 3)).astype(np.float32)
    network = keras_network(model, size)
    assert sum(int(np.prod(each.shape)) for each in network.trainable_variables) == cost_report(architecture).params
    assert {type(layer).__module__.split(".")[0] for layer in network.layers} == {"keras"}
    for training in (False, True):
        expected, _ = engine_outputs(model, inputs, training=training)
        found = network(inputs, training=training)
        for maps, by_level in zip(found, expected, strict=True):
            for each, level in zip(maps, LEVELS, strict=True):
                assert_close(each, by_level[level])
