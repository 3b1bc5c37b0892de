"""Interprets networks as ONNX graphs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exporters.onnx.graph import Graph
from search_space.detector import BN_EPSILON, FUSION_EPSILON
from search_space.detector_model import Tensors
from search_space.ops import Activation


@dataclass(frozen=True)
class FeatureMap:
    """A value `[batch, channels, height, width]` of the graph."""

    name: str
    height: int
    width: int
    channels: int


class GraphOps:
    """`Ops` over feature maps of an ONNX graph in inference, whose sizes and widths are fixed.

    `tensors` maps names to parameters. Initializers keep these names; kernels become `[out, in, height, width]` and
    depthwise ones `[channels, 1, height, width]`, as ONNX wants them.
    """

    def __init__(self, graph: Graph, tensors: Tensors) -> None:
        self._graph = graph
        self._tensors = tensors

    def size(self, x: FeatureMap) -> tuple[int, int]:
        return x.height, x.width

    def conv(
        self, x: FeatureMap, width: int, name: str, *, kernel: int = 1, stride: int = 1, bias: float | None = None
    ) -> FeatureMap:
        inputs = [self._kernel(name, (kernel, kernel, x.channels, width), (3, 2, 0, 1))]
        if bias is not None:
            inputs.append(self._parameter(f"{name}/bias", (width,)))
        return self._conv(x, width, name, inputs, kernel, stride, groups=1)

    def depthwise(self, x: FeatureMap, name: str, *, kernel: int, stride: int = 1) -> FeatureMap:
        inputs = [self._kernel(name, (kernel, kernel, x.channels, 1), (2, 3, 0, 1))]
        return self._conv(x, x.channels, name, inputs, kernel, stride, groups=x.channels)

    def batch_norm(self, x: FeatureMap, name: str, *, initial_scale: float = 1.0) -> FeatureMap:
        parameters = [
            self._parameter(f"{name}/{part}", (x.channels,)) for part in ("scale", "offset", "mean", "variance")
        ]
        return self._like(x, self._graph.node("BatchNormalization", [x.name, *parameters], name, epsilon=BN_EPSILON))

    def activate(self, x: FeatureMap, kind: Activation) -> FeatureMap:
        if kind == "relu":
            return self._like(x, self._graph.node("Relu", [x.name]))
        gate = self._graph.node("Sigmoid", [x.name])
        return self._like(x, gate if kind == "sigmoid" else self._graph.node("Mul", [x.name, gate]))

    def global_pool(self, x: FeatureMap) -> FeatureMap:
        return FeatureMap(self._graph.node("GlobalAveragePool", [x.name]), 1, 1, x.channels)

    def scale(self, x: FeatureMap, gate: FeatureMap) -> FeatureMap:
        return self._like(x, self._graph.node("Mul", [x.name, gate.name]))

    def space_to_depth(self, x: FeatureMap) -> FeatureMap:
        name, rows, columns = x.name, x.height % 2, x.width % 2
        if rows or columns:
            pads = self._graph.constant([0, 0, 0, 0, 0, 0, rows, columns], np.int64)
            name = self._graph.node("Pad", [name, pads])
        name = self._graph.node("SpaceToDepth", [name], blocksize=2)
        return FeatureMap(name, (x.height + rows) // 2, (x.width + columns) // 2, 4 * x.channels)

    def upsample(self, x: FeatureMap, factor: int, size: tuple[int, int]) -> FeatureMap:
        name = self._graph.node(
            "Resize",
            [x.name, "", self._graph.constant([1, 1, factor, factor], np.float32)],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        if (factor * x.height, factor * x.width) != size:
            bounds = (self._graph.constant(values, np.int64) for values in ((0, 0), size, (2, 3)))
            name = self._graph.node("Slice", [name, *bounds])
        return FeatureMap(name, *size, x.channels)

    def fuse(self, inputs: list[FeatureMap], name: str) -> FeatureMap:
        """The shares are computed in the graph, which runtimes do once: the weights stay initializers."""
        weights = self._parameter(f"{name}/weights", (len(inputs),))
        positive = self._graph.node("Relu", [weights], f"{name}/positive")
        total = self._graph.node("ReduceSum", [positive], f"{name}/sum")
        total = self._graph.node("Add", [total, self._graph.constant(FUSION_EPSILON, np.float32)], f"{name}/total")
        shares = self._graph.node("Div", [positive, total], f"{name}/shares")
        terms = []
        for index, x in enumerate(inputs):
            share = self._graph.node("Gather", [shares, self._graph.constant(index, np.int64)], f"{name}/share")
            terms.append(self._graph.node("Mul", [x.name, share], f"{name}/term"))
        return self._like(inputs[0], self._graph.node("Sum", terms, name))

    def add_if_same_width(self, x: FeatureMap, branch: FeatureMap, drop_depth: float | None = None) -> FeatureMap:
        return self.add(x, branch) if x.channels == branch.channels else branch

    def match_width(self, x: FeatureMap, width: int, name: str) -> FeatureMap:
        return x if x.channels == width else self.batch_norm(self.conv(x, width, f"{name}/conv"), f"{name}/bn")

    def max_pool(self, x: FeatureMap, *, kernel: int, stride: int) -> FeatureMap:
        rows, columns = (_same_padding(size, kernel, stride) for size in self.size(x))
        name = self._graph.node(
            "MaxPool",
            [x.name],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[rows.before, columns.before, rows.after, columns.after],
        )
        return FeatureMap(name, rows.outputs, columns.outputs, x.channels)

    def average(self, inputs: list[FeatureMap]) -> FeatureMap:
        return self._like(inputs[0], self._graph.node("Mean", [x.name for x in inputs]))

    def add(self, x: FeatureMap, y: FeatureMap) -> FeatureMap:
        return self._like(y, self._graph.node("Add", [x.name, y.name]))

    def drop_path(self, branch: FeatureMap, depth: float) -> FeatureMap:
        return branch

    def _conv(
        self, x: FeatureMap, width: int, name: str, weights: list[str], kernel: int, stride: int, *, groups: int
    ) -> FeatureMap:
        rows, columns = (_same_padding(size, kernel, stride) for size in self.size(x))
        output = self._graph.node(
            "Conv",
            [x.name, *weights],
            name,
            group=groups,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[rows.before, columns.before, rows.after, columns.after],
        )
        return FeatureMap(output, rows.outputs, columns.outputs, width)

    def _kernel(self, name: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> str:
        return self._parameter(f"{name}/kernel", shape, axes)

    def _parameter(self, name: str, shape: tuple[int, ...], axes: tuple[int, ...] | None = None) -> str:
        """The initializer of a parameter of this shape, with its axes in another order for ONNX."""
        values = self._tensors[name]
        if values.shape != shape:
            raise ValueError(f"the parameter {name} has shape {values.shape}; the network has {shape}")
        return self._graph.initializer(name, np.transpose(values, axes).astype(np.float32, copy=False))

    @staticmethod
    def _like(x: FeatureMap, name: str) -> FeatureMap:
        """A value of the size and width of `x`."""
        return FeatureMap(name, x.height, x.width, x.channels)


@dataclass(frozen=True)
class _Padding:
    """Output positions along one axis, and the padding before and after it."""

    outputs: int
    before: int
    after: int


def _same_padding(size: int, kernel: int, stride: int) -> _Padding:
    """The padding "same" of TensorFlow; of an odd padding the larger half is after."""
    outputs = -(-size // stride)
    padding = max((outputs - 1) * stride + kernel - size, 0)
    return _Padding(outputs, padding // 2, padding - padding // 2)
