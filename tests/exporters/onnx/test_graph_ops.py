"""The exported network equals the NumPy reference in onnxruntime, and its parameters are ours, by name and value.

Outputs agree where no value differs by more than 1e-4 of the largest expected value of its tensor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from exporters.onnx.detector import raw_model
from exporters.onnx.graph import BATCH, Graph
from exporters.onnx.graph_ops import FeatureMap, GraphOps
from search_space.architecture import Architecture, Operations
from search_space.cost import cost_report, network_parameters, parameters
from search_space.networks.dense_prediction import segmentation
from search_space.networks.retinanet import LEVELS, retinanet
from tests.support.numpy_ops import Array, NumpyOps
from tests.support.random_detectors import REPEATED, UNEQUAL, random_tensors, random_values

SMALL = (66, 140)
"""Rounded up at five of the seven levels, so space-to-depth pads and upsampling crops; P7 has two positions."""
ODD = (75, 133)


def _images(count: int, size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(count, *size, 3)).astype(np.float32)


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _doubles(tensors: Any) -> dict[str, Array]:
    return {name: values.astype(np.float64) for name, values in tensors.items()}


def _assert_close(actual: np.ndarray, expected: Array) -> None:
    """Compares a result with channels first and a reference with channels last."""
    actual = np.moveaxis(actual, 1, -1)
    assert actual.shape == expected.shape
    difference = np.max(np.abs(actual - expected)) / np.max(np.abs(expected))
    assert difference <= 1e-4


def _check(architecture: Architecture, size: tuple[int, int], counts: tuple[int, ...] = (1,)) -> None:
    tensors = random_tensors(architecture)
    session = _session(raw_model(architecture, tensors, size, {}))
    for count in counts:
        images = _images(count, size)
        names = [each.name for each in session.get_outputs()]
        found = dict(zip(names, session.run(names, {"images": np.moveaxis(images, -1, 1)}), strict=True))
        expected = retinanet(NumpyOps(_doubles(tensors), training=False), architecture, images.astype(np.float64))
        assert len(found) == 2 * len(LEVELS)
        for level in LEVELS:
            _assert_close(found[f"class_logits_p{level}"], expected.class_logits[level])
            _assert_close(found[f"box_codes_p{level}"], expected.boxes[level])


@pytest.mark.parametrize(("architecture", "size"), [(UNEQUAL, SMALL), (REPEATED, ODD)], ids=["unequal", "repeated"])
def test_the_network_equals_the_reference_for_one_image_and_for_three(
    architecture: Architecture, size: tuple[int, int]
) -> None:
    _check(architecture, size, counts=(1, 3))


@pytest.mark.parametrize(
    "changes",
    [
        {"weighted_fusion": False},
        {"space_to_depth": False},
        {"squeeze_excitation": False},
        {"activation": "relu"},
        {"stochastic_depth": False},
    ],
    ids=str,
)
def test_the_network_equals_the_reference_with_an_ablation(changes: dict[str, Any]) -> None:
    _check(replace(UNEQUAL, operations=Operations(**changes)), SMALL)


def test_the_initializers_are_the_parameters_under_their_names() -> None:
    tensors = random_tensors(REPEATED)
    model = raw_model(REPEATED, tensors, ODD, {})
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    ours = {parameter.name: parameter for parameter in parameters(REPEATED)}
    assert {name for name in found if not name.startswith("constant/")} == ours.keys()
    for name, parameter in ours.items():
        axes = {"kernel": (2, 3, 1, 0), "depthwise_kernel": (2, 3, 0, 1)}.get(parameter.role)
        np.testing.assert_array_equal(np.transpose(found[name], axes), tensors[name])
    trainable = sum(found[name].size for name, parameter in ours.items() if parameter.is_trainable)
    assert trainable == cost_report(REPEATED).params


def test_the_interpreter_runs_the_other_operations_of_the_protocol() -> None:
    """Those that detectors do not use: the mean of feature maps, in segmentation, and max pooling."""

    def network(ops: Any, images: Any) -> Any:
        return segmentation(ops, UNEQUAL, ops.max_pool(images, kernel=3, stride=2), 5)

    tensors = random_values(network_parameters(network, 128))
    size, graph = (2 * SMALL[0], 2 * SMALL[1] - 1), Graph()
    x = network(GraphOps(graph, tensors), FeatureMap(graph.input("images", np.float32, (BATCH, 3, *size)), *size, 3))
    graph.output(x.name, "logits", np.float32, (BATCH, x.channels, x.height, x.width))
    images = _images(2, size)
    (found,) = _session(graph.model("segmentation", "", {})).run(None, {"images": np.moveaxis(images, -1, 1)})
    _assert_close(found, network(NumpyOps(_doubles(tensors), training=False), images.astype(np.float64)))


def test_a_tensor_of_another_shape_is_refused() -> None:
    tensors = {**random_tensors(UNEQUAL), "stem/conv/kernel": np.zeros((3, 3, 3, 4), np.float32)}
    with pytest.raises(ValueError, match=r"stem/conv/kernel has shape \(3, 3, 3, 4\)"):
        raw_model(UNEQUAL, tensors, SMALL, {})


def test_two_tensors_of_one_name_are_refused() -> None:
    graph = Graph()
    assert graph.initializer("a", np.zeros(2)) == graph.initializer("a", np.zeros(2)) == "a"
    with pytest.raises(ValueError, match="another tensor called a"):
        graph.initializer("a", np.ones(2))
