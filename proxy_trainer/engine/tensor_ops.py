"""Interprets networks as TensorFlow graphs whose channel dimensions are dynamic or static."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any

import tensorflow as tf

from proxy_trainer.engine import plain_kernels, tensor_kernels
from proxy_trainer.engine.reverse_mode import Differentiable, Recorder, by_tape
from proxy_trainer.engine.tensor_kernels import PointwiseShapes
from search_space.detector import BN_EPSILON, FUSION_EPSILON
from search_space.ops import Activation
from search_space.parameters import Role

GATED_KERNEL_POSITIONS = 256
"""Feature maps with at least this many positions have their gate folded into the kernel of the next convolution."""

ACTIVATIONS: dict[Activation, Differentiable] = {
    "swish": tensor_kernels.swish,
    "relu": plain_kernels.relu,
    "sigmoid": plain_kernels.sigmoid,
}


class TensorOps:
    """`Ops` over tensors `[batch, height, width, channels]` whose channel dimensions may be dynamic.

    `parameters` maps names to tensors; a parameter that the architecture lacks has no channels. A 1x1 kernel may be
    given as a matrix, with its shapes in `pointwise_shapes`. Conditions on two widths are evaluated while tracing where
    both are static, else inside the graph. Training uses batch statistics and stores them in `batch_statistics` by
    name; inference uses the running ones. `drop_rate` is the stochastic depth of the last block, `path_seed` a pair of
    integers that seeds its random numbers. With a `recorder`, the gradients are those of the recorded functions;
    without one, they are TensorFlow's.
    """

    def __init__(
        self,
        parameters: Mapping[str, tf.Tensor],
        *,
        training: bool,
        drop_rate: float = 0.0,
        path_seed: tf.Tensor | None = None,
        pointwise_shapes: Mapping[str, PointwiseShapes] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._parameters = parameters
        self._training = training
        self._drop_rate = drop_rate if training else 0.0
        self._path_seed = path_seed
        self._paths = 0
        self._pointwise_shapes = pointwise_shapes or {}
        self._recorder = recorder
        self._empty = tf.zeros([0])
        self._gated: dict[Any, tuple[tf.Tensor, tf.Tensor]] = {}
        self.batch_statistics: dict[str, tf.Tensor] = {}

    def size(self, x: tf.Tensor) -> tuple[int, int]:
        return int(x.shape[1]), int(x.shape[2])

    def conv(
        self,
        x: tf.Tensor,
        width: int,
        name: str,
        *,
        kernel: int = 1,
        stride: int = 1,
        bias: float | None = None,
    ) -> tf.Tensor:
        weights = self._parameter(f"{name}/kernel", "kernel", kernel, kernel, x.shape[-1], width)
        if kernel != 1 or stride != 1:
            y = self._apply(plain_kernels.conv, x, weights, stride=stride)
        elif x.ref() in self._gated:
            y = self._apply(tensor_kernels.gated_pointwise_conv, *self._gated[x.ref()], weights)
        else:
            shapes = self._pointwise_shapes.get(f"{name}/kernel")
            y = self._apply(tensor_kernels.pointwise_conv, x, weights, shapes=shapes)
        return y if bias is None else self._add_bias(y, width, name, bias)

    def depthwise(self, x: tf.Tensor, name: str, *, kernel: int, stride: int = 1) -> tf.Tensor:
        weights = self._parameter(f"{name}/kernel", "depthwise_kernel", kernel, kernel, x.shape[-1], 1)
        return self._apply(plain_kernels.depthwise_conv, x, weights, stride=stride)

    def batch_norm(self, x: tf.Tensor, name: str, *, initial_scale: float = 1.0) -> tf.Tensor:
        y, mean, variance = self._normalise(x, name, initial_scale)
        if self._training:
            self._store_statistics(name, mean, variance)
        return y

    def activate(self, x: tf.Tensor, kind: Activation) -> tf.Tensor:
        return self._apply(ACTIVATIONS[kind], x)

    def global_pool(self, x: tf.Tensor) -> tf.Tensor:
        return self._apply(plain_kernels.global_pool, x)

    def scale(self, x: tf.Tensor, gate: tf.Tensor) -> tf.Tensor:
        """The product; it is pruned from the graph where the next 1x1 convolution folds the gate into its kernel."""
        product = self._apply(plain_kernels.gated, x, gate)
        height, width = self.size(x)
        if height * width >= GATED_KERNEL_POSITIONS:
            self._gated[product.ref()] = (x, gate)
        return product

    def space_to_depth(self, x: tf.Tensor) -> tf.Tensor:
        return self._apply(plain_kernels.space_to_depth, x)

    def upsample(self, x: tf.Tensor, factor: int, size: tuple[int, int]) -> tf.Tensor:
        return self._apply(tensor_kernels.upsample, x, factor=factor, size=size)

    def fuse(self, inputs: list[tf.Tensor], name: str) -> tf.Tensor:
        weights = self._parameter(f"{name}/weights", "fusion", len(inputs), initial=1.0)
        return self._apply(tensor_kernels.fuse, weights, *inputs, epsilon=FUSION_EPSILON)

    def add_if_same_width(self, x: tf.Tensor, branch: tf.Tensor, drop_depth: float | None = None) -> tf.Tensor:
        factor = None if drop_depth is None else self._path_factor(branch, drop_depth)
        if None not in (x.shape[-1], branch.shape[-1]):
            return self.add(x, self._scale_images(branch, factor)) if x.shape[-1] == branch.shape[-1] else branch

        def total(x: tf.Tensor, branch: tf.Tensor) -> tf.Tensor:
            same = tf.equal(tf.shape(x)[-1], tf.shape(branch)[-1])
            kept = branch if factor is None else branch * factor
            return tf.ensure_shape(tf.cond(same, lambda: x + kept, lambda: branch), branch.shape)

        return self._apply_with_tape(total, x, branch)

    def match_width(self, x: tf.Tensor, width: int, name: str) -> tf.Tensor:
        """Where the widths agree, the projection has no channels, and the graph takes the identity branch."""
        conv, bn = f"{name}/conv", f"{name}/bn"
        if x.shape[-1] is not None:
            return x if x.shape[-1] == width else self.batch_norm(self.conv(x, width, conv), bn)
        statistics = []
        inside = copy(self)
        inside._recorder = None

        def matched(x: tf.Tensor, kernel: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            def project() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                return inside._normalise(inside.conv(x, width, conv), bn)

            y, *moments = tf.cond(tf.size(kernel) > 0, project, lambda: (x, self._empty, self._empty))
            statistics.extend(moments)
            return tf.ensure_shape(y, [*x.shape[:3], None])

        kernel = self._parameters[f"{conv}/kernel"]
        y = self._apply_with_tape(matched, x, kernel, self._parameters[f"{bn}/scale"], self._parameters[f"{bn}/offset"])
        if self._training:
            self._store_statistics(bn, *statistics)
        return y

    def max_pool(self, x: tf.Tensor, *, kernel: int, stride: int) -> tf.Tensor:
        return self._apply_with_tape(lambda x: tf.nn.max_pool2d(x, kernel, stride, padding="SAME"), x)

    def average(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return self._apply_with_tape(lambda *inputs: tf.add_n(inputs) / len(inputs), *inputs)

    def add(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return self._apply(plain_kernels.add, x, y)

    def drop_path(self, branch: tf.Tensor, depth: float) -> tf.Tensor:
        return self._scale_images(branch, self._path_factor(branch, depth))

    def _path_factor(self, branch: tf.Tensor, depth: float) -> tf.Tensor | None:
        """0 for each image whose branch is dropped, else 1 over the share kept; None without stochastic depth."""
        if not self._drop_rate:
            return None
        self._paths += 1
        keep = 1.0 - self._drop_rate * depth
        seed = tf.random.experimental.stateless_fold_in(self._path_seed, self._paths, alg="philox")
        draw = uniform_draws(tf.shape(branch)[0], seed)[:, None, None, None]
        return tf.cast(draw < keep, branch.dtype) / keep

    def _scale_images(self, x: tf.Tensor, factor: tf.Tensor | None) -> tf.Tensor:
        return x if factor is None else self._apply(plain_kernels.scale_images, x, factor)

    def _apply(self, function: Differentiable, *inputs: tf.Tensor, **settings: Any) -> tf.Tensor:
        """The output of a function, with the gradient that the function returns if there is a recorder."""
        differentiable = partial(function, **settings)
        return differentiable(*inputs)[0] if self._recorder is None else self._recorder.apply(differentiable, *inputs)

    def _apply_with_tape(self, function: Callable[..., tf.Tensor], *inputs: tf.Tensor) -> tf.Tensor:
        """The output of a function, with the gradient of `tf.GradientTape`."""
        return function(*inputs) if self._recorder is None else self._recorder.apply(by_tape(function), *inputs)

    def _parameter(self, name: str, role: Role, *shape: int | None, initial: float = 0.0) -> tf.Tensor:
        """Parameter `name`; role, shape (None where dynamic) and initial value are for subclasses that create it."""
        return self._parameters[name]

    def _add_bias(self, x: tf.Tensor, width: int, name: str, initial: float) -> tf.Tensor:
        return self._apply(plain_kernels.bias_add, x, self._parameter(f"{name}/bias", "bias", width, initial=initial))

    def _normalise(self, x: tf.Tensor, name: str, initial_scale: float = 1.0) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalised `x`, with the mean and variance of the batch in training and the running ones in inference."""
        channels = x.shape[-1]
        scale = self._parameter(f"{name}/scale", "scale", channels, initial=initial_scale)
        offset = self._parameter(f"{name}/offset", "offset", channels)
        if self._training:
            statistics: list[tf.Tensor] = []
            y = self._apply(
                plain_kernels.batch_norm, x, scale, offset,
                epsilon=BN_EPSILON, empty=self._empty, statistics=statistics,
            )  # fmt: skip
            return y, *statistics
        mean = self._parameter(f"{name}/mean", "mean", channels)
        variance = self._parameter(f"{name}/variance", "variance", channels, initial=1.0)
        y, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=BN_EPSILON, is_training=False
        )
        return y, mean, variance

    def _store_statistics(self, name: str, mean: tf.Tensor, variance: tf.Tensor) -> None:
        self.batch_statistics[f"{name}/mean"] = mean
        self.batch_statistics[f"{name}/variance"] = variance


def uniform_draws(count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """`count` uniform random numbers in [0, 1), the same bits with and without XLA.

    The numbers are computed from the generator's integers as TensorFlow's kernels do it. XLA draws the same integers
    but uses other bits of them.
    """
    integers = tf.random.stateless_uniform([count], seed, None, None, tf.uint32, alg="philox")
    from_1_to_2 = tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(integers, 0x007FFFFF), 0x3F800000)
    return tf.bitcast(from_1_to_2, tf.float32) - 1.0
