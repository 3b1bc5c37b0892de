"""Interprets networks as Keras functional models of built-in layers and operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exporters.keras.backend import keras
from search_space.detector import BN_EPSILON, FUSION_EPSILON
from search_space.ops import Activation
from search_space.proxy_task import ProxyTask

Tensor = Any
"""A symbolic Keras tensor."""

BN_MOMENTUM = ProxyTask().bn_momentum
"""The momentum of running statistics in further training, as published."""


class KerasOps:
    """`Ops` with Keras layers, shared by name. Slashes in names become underscores.

    `one` is a tensor `[batch, 1, 1, 1]` of ones; the weights of a fusion are the kernel of a Dense layer that is
    applied to it, because built-in layers have no plain weights. `variables` are the parameters by name; a fusion's
    weights have shape `[1, inputs]`. Stochastic depth is the identity.
    """

    def __init__(self, one: Tensor) -> None:
        self._one = one
        self._layers: dict[str, Any] = {}
        self._last = ""
        self.variables: dict[str, Any] = {}

    def size(self, x: Tensor) -> tuple[int, int]:
        return x.shape[1], x.shape[2]

    def conv(
        self,
        x: Tensor,
        width: int,
        name: str,
        *,
        kernel: int = 1,
        stride: int = 1,
        bias: float | None = None,
    ) -> Tensor:
        has_bias = bias is not None

        def make(path: str) -> Any:
            return keras.layers.Conv2D(width, kernel, strides=stride, padding="same", use_bias=has_bias, name=path)

        variables = {"kernel": "kernel"} | ({"bias": "bias"} if has_bias else {})
        return self._parametrised(make, name, variables, x)

    def depthwise(self, x: Tensor, name: str, *, kernel: int, stride: int = 1) -> Tensor:
        def make(path: str) -> Any:
            return keras.layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False, name=path)

        return self._parametrised(make, name, {"kernel": "kernel"}, x)

    def batch_norm(self, x: Tensor, name: str, *, initial_scale: float = 1.0) -> Tensor:
        def make(path: str) -> Any:
            return keras.layers.BatchNormalization(momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=path)

        variables = {"scale": "gamma", "offset": "beta", "mean": "moving_mean", "variance": "moving_variance"}
        return self._parametrised(make, name, variables, x)

    def activate(self, x: Tensor, kind: Activation) -> Tensor:
        return keras.layers.Activation(kind, name=self._after(kind))(x)

    def global_pool(self, x: Tensor) -> Tensor:
        return keras.layers.GlobalAveragePooling2D(keepdims=True, name=self._after("pool"))(x)

    def scale(self, x: Tensor, gate: Tensor) -> Tensor:
        return keras.layers.Multiply(name=self._after("gate"))([x, gate])

    def space_to_depth(self, x: Tensor) -> Tensor:
        layers, (height, width) = keras.layers, self.size(x)
        if height % 2 or width % 2:
            x = layers.ZeroPadding2D(((0, height % 2), (0, width % 2)), name=self._after("pad"))(x)
        rows, columns, channels = x.shape[1] // 2, x.shape[2] // 2, x.shape[3]
        x = layers.Reshape((rows, 2, columns, 2, channels), name=self._after("split"))(x)
        x = layers.Permute((1, 3, 2, 4, 5), name=self._after("order"))(x)
        return layers.Reshape((rows, columns, 4 * channels), name=self._after("stack"))(x)

    def upsample(self, x: Tensor, factor: int, size: tuple[int, int]) -> Tensor:
        x = keras.layers.UpSampling2D(factor, interpolation="nearest", name=self._after("upsample"))(x)
        height, width = self.size(x)
        if (height, width) == size:
            return x
        crop = ((0, height - size[0]), (0, width - size[1]))
        return keras.layers.Cropping2D(crop, name=self._after("crop"))(x)

    def fuse(self, inputs: list[Tensor], name: str) -> Tensor:
        def make(path: str) -> Any:
            return keras.layers.Dense(len(inputs), activation="relu", use_bias=False, name=path)

        positive = self._parametrised(make, name, {"weights": "kernel"}, self._one)
        total = keras.ops.sum(positive, axis=-1, keepdims=True) + FUSION_EPSILON
        shares = keras.ops.split(positive / total, len(inputs), axis=-1)
        weighted = [
            keras.layers.Multiply(name=f"{_path(name)}_input{number}")([x, share])
            for number, (x, share) in enumerate(zip(inputs, shares, strict=True), start=1)
        ]
        return keras.layers.Add(name=f"{_path(name)}_sum")(weighted)

    def add_if_same_width(self, x: Tensor, branch: Tensor, drop_depth: float | None = None) -> Tensor:
        return self.add(x, branch) if x.shape[-1] == branch.shape[-1] else branch

    def match_width(self, x: Tensor, width: int, name: str) -> Tensor:
        if x.shape[-1] == width:
            return x
        return self.batch_norm(self.conv(x, width, f"{name}/conv"), f"{name}/bn")

    def max_pool(self, x: Tensor, *, kernel: int, stride: int) -> Tensor:
        return keras.layers.MaxPooling2D(kernel, stride, padding="same", name=self._after("max_pool"))(x)

    def average(self, inputs: list[Tensor]) -> Tensor:
        return keras.layers.Average(name=self._after("average"))(inputs)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return keras.layers.Add(name=self._after("add"))([x, y])

    def drop_path(self, branch: Tensor, depth: float) -> Tensor:
        return branch

    def _parametrised(self, make: Callable[[str], Any], name: str, variables: dict[str, str], x: Tensor) -> Tensor:
        """The output of the layer of a name, which `make` makes at its first use; the name of the layer is its path."""
        self._last = _path(name)
        layer = self._layers.get(name)
        if layer is not None:
            return layer(x)
        layer = self._layers[name] = make(self._last)
        y = layer(x)
        self.variables |= {f"{name}/{ours}": getattr(layer, theirs) for ours, theirs in variables.items()}
        return y

    def _after(self, operation: str) -> str:
        """A name for a layer without parameters: that of the layer before it, and what it does."""
        self._last = f"{self._last}_{operation}"
        return self._last


def _path(name: str) -> str:
    return name.replace("/", "_")
