"""TensorFlow's operations on feature maps `[batch, height, width, channels]`, each with its gradient.

Each is a `Differentiable`, which returns its output and its gradient function. Both are written in `tf.raw_ops` and use
as few operations as possible, because a process traces and optimises all of them before its first step. Heights and
widths are static; channels may be dynamic.
"""

from __future__ import annotations

import tensorflow as tf

from proxy_trainer.engine.reverse_mode import Backward

raw = tf.raw_ops
OutputAndBackward = tuple[tf.Tensor, Backward]
"""What a `Differentiable` returns."""


def relu(x: tf.Tensor) -> OutputAndBackward:
    """`x` where it is positive, else 0."""
    y = raw.Relu(features=x)
    return y, lambda upstream: (raw.ReluGrad(gradients=upstream, features=y),)


def sigmoid(x: tf.Tensor) -> OutputAndBackward:
    """`1 / (1 + exp(-x))`."""
    y = raw.Sigmoid(x=x)
    return y, lambda upstream: (raw.SigmoidGrad(y=y, dy=upstream),)


def add(x: tf.Tensor, y: tf.Tensor) -> OutputAndBackward:
    """`x + y`, for equal shapes."""
    return raw.AddV2(x=x, y=y), lambda upstream: (upstream, upstream)


def bias_add(x: tf.Tensor, bias: tf.Tensor) -> OutputAndBackward:
    """`x` plus a bias `[channels]`."""
    return raw.BiasAdd(value=x, bias=bias), lambda upstream: (upstream, raw.BiasAddGrad(out_backprop=upstream))


def scale_images(x: tf.Tensor, factor: tf.Tensor) -> OutputAndBackward:
    """`x` times a constant factor `[batch, 1, 1, 1]`."""
    return raw.Mul(x=x, y=factor), lambda upstream: (raw.Mul(x=upstream, y=factor), None)


def gated(x: tf.Tensor, gate: tf.Tensor) -> OutputAndBackward:
    """`x` times a gate `[batch, 1, 1, channels]`."""

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_gate = raw.Sum(input=raw.Mul(x=upstream, y=x), axis=[1, 2], keep_dims=True)
        return raw.Mul(x=upstream, y=gate), of_gate

    return raw.Mul(x=x, y=gate), backward


def global_pool(x: tf.Tensor) -> OutputAndBackward:
    """The mean over positions, `[batch, 1, 1, channels]`."""
    positions = x.shape[1] * x.shape[2]

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        share = raw.RealDiv(x=upstream, y=tf.constant(positions, x.dtype))
        return (raw.BroadcastTo(input=share, shape=raw.Shape(input=x)),)

    return raw.Mean(input=x, axis=[1, 2], keep_dims=True), backward


def cast(x: tf.Tensor, *, dtype: tf.DType) -> OutputAndBackward:
    """`x` as another data type."""
    return raw.Cast(x=x, DstT=dtype), lambda upstream: (raw.Cast(x=upstream, DstT=x.dtype),)


def batch_norm(
    x: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    *,
    epsilon: float,
    empty: tf.Tensor,
    statistics: list[tf.Tensor],
) -> OutputAndBackward:
    """`x` normalised by the mean and the variance of the batch, which are appended to `statistics`.

    `empty` is an empty tensor, in place of the running statistics, which training does not read.
    """
    y, mean, variance, *spaces = raw.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=empty, variance=empty, epsilon=epsilon
    )
    statistics += (mean, variance)

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        names = (f"reserve_space_{number}" for number in (1, 2, 3))
        gradients = raw.FusedBatchNormGradV3(
            y_backprop=upstream, x=x, scale=scale, epsilon=epsilon, **dict(zip(names, spaces, strict=True))
        )
        return tuple(gradients[:3])

    return y, backward


def conv(x: tf.Tensor, kernel: tf.Tensor, *, stride: int) -> OutputAndBackward:
    """The convolution of `x` with a kernel `[height, width, in, out]`."""
    settings = {"strides": [1, stride, stride, 1], "padding": "SAME"}

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_x = raw.Conv2DBackpropInput(input_sizes=raw.Shape(input=x), filter=kernel, out_backprop=upstream, **settings)
        of_kernel = raw.Conv2DBackpropFilter(
            input=x, filter_sizes=raw.Shape(input=kernel), out_backprop=upstream, **settings
        )
        return of_x, of_kernel

    return raw.Conv2D(input=x, filter=kernel, **settings), backward


def depthwise_conv(x: tf.Tensor, kernel: tf.Tensor, *, stride: int) -> OutputAndBackward:
    """The depthwise convolution of `x` with a float32 kernel `[height, width, channels, 1]`.

    The gradient of the kernel is computed in float32, even if `x` is bfloat16. In bfloat16, TensorFlow's CPU
    implementation returns different values in every call, up to infinity, where the filter is larger than the feature
    map: 3x3 with stride 2 over 1x1, 5x5 with stride 4 over 2x2.
    """
    settings = {"strides": [1, stride, stride, 1], "padding": "SAME"}
    rounded = _cast_to(x.dtype, kernel)

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_x = raw.DepthwiseConv2dNativeBackpropInput(
            input_sizes=raw.Shape(input=x), filter=rounded, out_backprop=upstream, **settings
        )
        of_kernel = raw.DepthwiseConv2dNativeBackpropFilter(
            input=_cast_to(kernel.dtype, x),
            filter_sizes=raw.Shape(input=kernel),
            out_backprop=_cast_to(kernel.dtype, upstream),
            **settings,
        )
        return of_x, of_kernel

    return raw.DepthwiseConv2dNative(input=x, filter=rounded, **settings), backward


def space_to_depth(x: tf.Tensor) -> OutputAndBackward:
    """2x2 positions into 4 times the channels; odd sizes are padded with zeros at the end."""
    height, width = x.shape[1:3]
    is_odd = height % 2 or width % 2
    paddings = [[0, 0], [0, height % 2], [0, width % 2], [0, 0]]
    even = raw.Pad(input=x, paddings=paddings) if is_odd else x

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        of_even = raw.DepthToSpace(input=upstream, block_size=2)
        return (raw.Slice(input=of_even, begin=[0, 0, 0, 0], size=raw.Shape(input=x)) if is_odd else of_even,)

    return raw.SpaceToDepth(input=even, block_size=2), backward


def _cast_to(dtype: tf.DType, x: tf.Tensor) -> tf.Tensor:
    return x if x.dtype == dtype else raw.Cast(x=x, DstT=dtype)
