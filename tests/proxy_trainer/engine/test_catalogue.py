"""Every model of the catalogue in TensorFlow has the counted parameters and multi-adds."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import pytest
import tensorflow as tf

from proxy_trainer.engine.tensor_network import TensorNetwork
from search_space.catalogue import CATALOGUE, Model
from search_space.cost import network_cost, network_parameters

DEFAULT_TIER = ("Eff-SpineNet-D0",)
"""One detector at full size; the others are in the slow tier."""

_TRANSPOSED = ("transpose_a", "transpose_b", "adj_x", "adj_y")


def _operations(graph: tf.Graph) -> Iterator[tf.Operation]:
    """All operations of a traced graph, including those of conditional branches."""
    yield from graph.get_operations()
    for function in graph._functions.values():
        yield from function.graph.get_operations()


def _multiply_adds(operation: tf.Operation) -> int:
    """The multi-adds of an operation, from the shapes of its tensors in the graph."""
    shapes = [tuple(each.shape) for each in operation.inputs]
    if operation.type in ("Conv2D", "DepthwiseConv2dNative"):
        (_, kernel), (out,) = shapes, [tuple(each.shape) for each in operation.outputs]
        return prod(kernel) * prod(out[:3])
    if operation.type == "Conv2DBackpropInput":  # a transposed convolution
        _, kernel, source = shapes
        return prod(kernel) * prod(source[:3])
    if operation.type in ("MatMul", "BatchMatMulV2"):  # 1x1 convolutions, of a batch or of each image
        assert not any(operation.get_attr(name) for name in operation.node_def.attr if name in _TRANSPOSED)
        return prod(shapes[0]) * shapes[1][-1]
    if operation.type in ("Einsum", "Conv3D"):
        raise AssertionError(f"{operation.name} is of type {operation.type}, which is not counted")
    return 0


def _case(model: Model) -> Any:
    return pytest.param(model, id=model.name, marks=() if model.name in DEFAULT_TIER else pytest.mark.slow)


@pytest.mark.parametrize("model", [_case(model) for model in CATALOGUE])
def test_the_graph_has_the_counted_parameters_and_multi_adds(model: Model) -> None:
    network = TensorNetwork(model)
    images = tf.TensorSpec([1, model.input_px, model.input_px, 3])
    graph = tf.function(network, autograph=False).get_concrete_function(images).graph
    cost = network_cost(model.network, model.input_px)

    created = {variable.name.removesuffix(":0"): tuple(variable.shape) for variable in network.variables}
    assert created == {p.name: p.shape for p in network_parameters(model.network, model.input_px)}
    assert sum(prod(variable.shape) for variable in network.trainable_variables) == cost.params
    assert sum(_multiply_adds(operation) for operation in _operations(graph)) == cost.madds
