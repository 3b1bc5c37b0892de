"""The reading of a network as a TensorFlow graph that takes parameters of any width, or of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from proxy_trainer.engine import tensor_kernels
from search_space.ops import Activation
from search_space.parameters import Role

BN_EPSILON = 1e-3
FUSION_EPSILON = 1e-3

GATED_KERNEL_POSITIONS = 256
"""Positions of a feature map from which on a gate goes into the kernel of the convolution after it."""


class TensorOps:
    """`Ops` over tensors `[batch, height, width, channels]` whose channel dimensions may be known at run time only.

    `parameters` maps names to tensors; one that an architecture does not have is there with no channels. Whatever
    depends on two widths is decided while tracing where both are known then, else inside the graph. In training
    the batch statistics are used and kept in `batch_statistics`, by name; in inference the running ones are.
    `drop_rate` is the stochastic depth of the last block, `path_seed` an integer pair that seeds a step's draws.
    """

    def __init__(
        self,
        parameters: Mapping[str, tf.Tensor],
        *,
        training: bool,
        drop_rate: float = 0.0,
        path_seed: tf.Tensor | None = None,
    ) -> None:
        self._parameters = parameters
        self._training = training
        self._drop_rate = drop_rate if training else 0.0
        self._path_seed = path_seed
        self._paths = 0
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
        if x.ref() in self._gated and kernel == stride == 1:
            y = tensor_kernels.gated_pointwise_conv(*self._gated[x.ref()], weights)
        elif kernel == stride == 1:
            y = tensor_kernels.pointwise_conv(x, weights)
        else:
            y = tf.nn.conv2d(x, weights, strides=stride, padding="SAME")
        return y if bias is None else self._add_bias(y, width, name, bias)

    def depthwise(self, x: tf.Tensor, name: str, *, kernel: int, stride: int = 1) -> tf.Tensor:
        weights = self._parameter(f"{name}/kernel", "depthwise_kernel", kernel, kernel, x.shape[-1], 1)
        return tf.nn.depthwise_conv2d(x, weights, strides=(1, stride, stride, 1), padding="SAME")

    def batch_norm(self, x: tf.Tensor, name: str, *, initial_scale: float = 1.0) -> tf.Tensor:
        y, mean, variance = self._normalise(x, name, initial_scale)
        if self._training:
            self._keep_statistics(name, mean, variance)
        return y

    def activate(self, x: tf.Tensor, kind: Activation) -> tf.Tensor:
        return {"swish": tensor_kernels.swish, "relu": tf.nn.relu, "sigmoid": tf.nn.sigmoid}[kind](x)

    def global_pool(self, x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(x, axis=(1, 2), keepdims=True)

    def scale(self, x: tf.Tensor, gate: tf.Tensor) -> tf.Tensor:
        """The product, which drops out of the graph where the 1x1 convolution that follows takes its factors."""
        product = x * gate
        height, width = self.size(x)
        if height * width >= GATED_KERNEL_POSITIONS:
            self._gated[product.ref()] = (x, gate)
        return product

    def space_to_depth(self, x: tf.Tensor) -> tf.Tensor:
        height, width = self.size(x)
        if height % 2 or width % 2:
            x = tf.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
        return tf.nn.space_to_depth(x, 2)

    def upsample(self, x: tf.Tensor, factor: int, size: tuple[int, int]) -> tf.Tensor:
        return tensor_kernels.upsample(x, factor, size)

    def fuse(self, inputs: list[tf.Tensor], name: str) -> tf.Tensor:
        weights = tf.nn.relu(self._parameter(f"{name}/weights", "fusion", len(inputs), initial=1.0))
        shares = tf.unstack(weights / (tf.reduce_sum(weights) + FUSION_EPSILON), num=len(inputs))
        return tf.add_n([share * x for share, x in zip(shares, inputs, strict=True)])

    def add_if_same_width(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        if None not in (x.shape[-1], y.shape[-1]):
            return x + y if x.shape[-1] == y.shape[-1] else y
        same = tf.equal(tf.shape(x)[-1], tf.shape(y)[-1])
        total = tf.cond(same, lambda: x + y, lambda: y)
        return tf.ensure_shape(total, y.shape)

    def match_width(self, x: tf.Tensor, width: int, name: str) -> tf.Tensor:
        """Where the widths agree the projection has no channels, and the other side of the condition runs."""
        conv, bn = f"{name}/conv", f"{name}/bn"
        if x.shape[-1] is not None:
            return x if x.shape[-1] == width else self.batch_norm(self.conv(x, width, conv), bn)

        def project() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return self._normalise(self.conv(x, width, conv), bn)

        is_there = tf.size(self._parameter(f"{conv}/kernel", "kernel", 1, 1, None, width)) > 0
        y, mean, variance = tf.cond(is_there, project, lambda: (x, tf.zeros([0]), tf.zeros([0])))
        if self._training:
            self._keep_statistics(bn, mean, variance)
        return tf.ensure_shape(y, [*x.shape[:3], None])

    def max_pool(self, x: tf.Tensor, *, kernel: int, stride: int) -> tf.Tensor:
        return tf.nn.max_pool2d(x, kernel, stride, padding="SAME")

    def average(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        return tf.add_n(inputs) / len(inputs)

    def add(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return x + y

    def drop_path(self, branch: tf.Tensor, depth: float) -> tf.Tensor:
        if not self._drop_rate:
            return branch
        self._paths += 1
        keep = 1.0 - self._drop_rate * depth
        seed = tf.random.experimental.stateless_fold_in(self._path_seed, self._paths, alg="philox")
        draw = uniform_draws(tf.shape(branch)[0], seed)[:, None, None, None]
        return branch * (tf.cast(draw < keep, branch.dtype) / keep)

    def _parameter(self, name: str, role: Role, *shape: int | None, initial: float = 0.0) -> tf.Tensor:
        """The parameter `name`; its shape, None where the graph is traced for any width, is for those who make it."""
        return self._parameters[name]

    def _add_bias(self, x: tf.Tensor, width: int, name: str, initial: float) -> tf.Tensor:
        return tf.nn.bias_add(x, self._parameter(f"{name}/bias", "bias", width, initial=initial))

    def _normalise(self, x: tf.Tensor, name: str, initial_scale: float = 1.0) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Normalised `x` with the mean and variance of the batch in training, of the running average in inference."""
        channels = x.shape[-1]
        scale = self._parameter(f"{name}/scale", "scale", channels, initial=initial_scale)
        offset = self._parameter(f"{name}/offset", "offset", channels)
        if self._training:
            mean = variance = tf.zeros([0])
        else:
            mean = self._parameter(f"{name}/mean", "mean", channels)
            variance = self._parameter(f"{name}/variance", "variance", channels, initial=1.0)
        y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=BN_EPSILON,
            is_training=self._training,
        )  # fmt: skip
        return y, mean, variance

    def _keep_statistics(self, name: str, mean: tf.Tensor, variance: tf.Tensor) -> None:
        self.batch_statistics[f"{name}/mean"] = mean
        self.batch_statistics[f"{name}/variance"] = variance


def uniform_draws(count: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """`count` numbers from 0 to below 1, the same bits whatever compiles the graph.

    They are what TensorFlow's kernels make of the generator's integers. XLA takes the same integers, but other bits of
    each for the fraction.
    """
    integers = tf.random.stateless_uniform([count], seed, None, None, tf.uint32, alg="philox")
    from_1_to_2 = tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(integers, 0x007FFFFF), 0x3F800000)
    return tf.bitcast(from_1_to_2, tf.float32) - 1.0
