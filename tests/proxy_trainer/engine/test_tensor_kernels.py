"""Every operation of the engine equals TensorFlow's, in values and gradients, with static and dynamic channels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine import plain_kernels, tensor_kernels
from proxy_trainer.engine.reverse_mode import Differentiable, Recorder, by_tape
from proxy_trainer.engine.tensor_ops import GATED_KERNEL_POSITIONS, TensorOps

RNG = np.random.default_rng(0)
TOLERANCE = 1e-5
"""Relative to the largest value of a tensor: the effect of summation order in float32."""

KERNEL = 5
"""Side of the kernels that are not 1x1; no batch has this size."""

CHANNELS = pytest.mark.parametrize("static", [True, False], ids=["static channels", "dynamic channels"])


def _random(*shape: int) -> tf.Tensor:
    return tf.constant(RNG.standard_normal(shape), tf.float32)


def _check(actual: Differentiable, expected: Callable[..., tf.Tensor], *inputs: tf.Tensor, static: bool) -> None:
    """Both give the same values and, for a randomly weighted sum of them, the same gradients."""
    shape = expected(*inputs).shape
    weights = _random(*shape)

    def results(function: Callable[..., tf.Tensor], *arguments: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            y = function(*arguments)
            total = tf.reduce_sum(y * weights)
        return [y, *tape.gradient(total, arguments)]

    specs = [_spec(each, static) for each in inputs]
    with_gradient = tf.custom_gradient(lambda *arguments: actual(*arguments))
    graph = tf.function(lambda *arguments: results(with_gradient, *arguments), input_signature=specs, autograph=False)
    for found, wanted in zip(graph(*inputs), results(expected, *inputs), strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * float(tf.reduce_max(tf.abs(wanted))))


def _spec(tensor: tf.Tensor, static: bool) -> tf.TensorSpec:
    """Heights and widths are static; batch and channels may be dynamic."""
    if static:
        return tf.TensorSpec(tensor.shape)
    if len(tensor.shape) != 4:
        return tf.TensorSpec([None] * len(tensor.shape))
    is_kernel = tensor.shape[0] in (1, KERNEL)
    return tf.TensorSpec([*tensor.shape[:2], None, None] if is_kernel else [None, *tensor.shape[1:3], None])


@CHANNELS
def test_swish(static: bool) -> None:
    x = tf.concat([_random(3, 4, 5, 6) * 4.0, tf.constant(0.0, shape=(3, 4, 5, 1)), _random(3, 4, 5, 1) * 100.0], -1)
    _check(tensor_kernels.swish, tf.nn.silu, x, static=static)


@CHANNELS
def test_pointwise_convolution(static: bool) -> None:
    def plain(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    _check(tensor_kernels.pointwise_conv, plain, _random(3, 4, 5, 7), _random(1, 1, 7, 6), static=static)


@CHANNELS
def test_gated_pointwise_convolution(static: bool) -> None:
    def plain(x: tf.Tensor, gate: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x * gate, kernel, 1, "SAME")

    inputs = _random(3, 4, 5, 7), _random(3, 1, 1, 7), _random(1, 1, 7, 6)
    _check(tensor_kernels.gated_pointwise_conv, plain, *inputs, static=static)


@CHANNELS
@pytest.mark.parametrize("size", [(6, 10), (5, 9)], ids=["whole", "cropped"])
def test_upsampling(size: tuple[int, int], static: bool) -> None:
    def plain(x: tf.Tensor) -> tf.Tensor:
        return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)[:, : size[0], : size[1]]

    _check(partial(tensor_kernels.upsample, factor=2, size=size), plain, _random(2, 3, 5, 4), static=static)


@CHANNELS
@pytest.mark.parametrize("stride", [1, 2])
def test_convolutions(stride: int, static: bool) -> None:
    x, full, depthwise = _random(3, 6, 7, 4), _random(KERNEL, KERNEL, 4, 3), _random(KERNEL, KERNEL, 4, 1)
    _check(
        partial(plain_kernels.conv, stride=stride), lambda x, kernel: tf.nn.conv2d(x, kernel, stride, "SAME"),
        x, full, static=static,
    )  # fmt: skip
    strides = (1, stride, stride, 1)
    _check(
        partial(plain_kernels.depthwise_conv, stride=stride),
        lambda x, kernel: tf.nn.depthwise_conv2d(x, kernel, strides, "SAME"),
        x, depthwise, static=static,
    )  # fmt: skip


@CHANNELS
def test_batch_normalisation(static: bool) -> None:
    def plain(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, (0, 1, 2))
        return (x - mean) / tf.sqrt(variance + 0.01) * scale + offset

    statistics: list[tf.Tensor] = []
    settings = {"epsilon": 0.01, "empty": tf.zeros([0]), "statistics": statistics}
    inputs = _random(3, 4, 5, 6), _random(6), _random(6)
    _check(partial(plain_kernels.batch_norm, **settings), plain, *inputs, static=static)
    assert len(statistics) == 2


@CHANNELS
@pytest.mark.parametrize("side", [4, 5], ids=["even", "odd"])
def test_space_to_depth(side: int, static: bool) -> None:
    def plain(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.space_to_depth(tf.pad(x, ((0, 0), (0, side % 2), (0, 0), (0, 0))), 2)

    _check(plain_kernels.space_to_depth, plain, _random(3, side, 6, 4), static=static)


@CHANNELS
def test_elementwise_operations_and_global_pooling(static: bool) -> None:
    def mean(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(x, axis=(1, 2), keepdims=True)

    x, y, gate = _random(3, 4, 6, 4), _random(3, 4, 6, 4), _random(3, 1, 1, 4)
    for actual, expected, inputs in (
        (plain_kernels.relu, tf.nn.relu, (x,)),
        (plain_kernels.sigmoid, tf.nn.sigmoid, (x,)),
        (plain_kernels.add, tf.add, (x, y)),
        (plain_kernels.bias_add, tf.nn.bias_add, (x, _random(4))),
        (plain_kernels.gated, tf.multiply, (x, gate)),
        (plain_kernels.global_pool, mean, (x,)),
    ):
        _check(actual, expected, *inputs, static=static)


@CHANNELS
def test_fusion(static: bool) -> None:
    def plain(weights: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        first, second = tf.unstack(tf.nn.relu(weights) / (tf.reduce_sum(tf.nn.relu(weights)) + 0.1), num=2)
        return first * x + second * y

    for weights in ([0.7, 1.3], [-0.2, 1.1]):
        inputs = tf.constant(weights), _random(3, 4, 6, 4), _random(3, 4, 6, 4)
        _check(partial(tensor_kernels.fuse, epsilon=0.1), plain, *inputs, static=static)


def test_a_recorder_adds_up_gradients_along_all_paths() -> None:
    """A function with tensors that are used several times or never, compared with `tf.GradientTape`."""

    def function(apply: Callable[..., tf.Tensor], x: tf.Tensor, y: tf.Tensor) -> list[tf.Tensor]:
        a = apply(plain_kernels.add, x, y)
        b = apply(plain_kernels.gated, a, x)
        apply(plain_kernels.relu, b)
        c = apply(by_tape(tf.square), apply(plain_kernels.add, b, a))
        return [apply(plain_kernels.add, c, c), apply(plain_kernels.sigmoid, b)]

    inputs = {"x": _random(3, 1, 1, 4), "y": _random(3, 1, 1, 4), "unused": _random(2)}
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = function(lambda f, *inputs: tf.custom_gradient(f)(*inputs), inputs["x"], inputs["y"])
    upstream = [_random(3, 1, 1, 4) for _ in outputs]
    wanted = tape.gradient(outputs, inputs, upstream)
    recorder = Recorder()
    outputs = function(recorder.apply, inputs["x"], inputs["y"])
    found = recorder.gradients(list(zip(outputs, upstream, strict=True)), inputs)
    assert found.keys() == {"x", "y"}
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, wanted[name], rtol=1e-5)


def test_pointwise_convolution_with_zero_output_channels() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 2, 3, None]), tf.TensorSpec([1, 1, None, None])])
    def conv(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tensor_kernels.pointwise_conv(x, kernel)[0]

    assert conv(_random(2, 2, 3, 4), tf.zeros([1, 1, 4, 0])).shape == (2, 2, 3, 0)


@pytest.mark.parametrize("side", [4, int(GATED_KERNEL_POSITIONS**0.5)], ids=["gated map", "gated kernel"])
def test_gating_the_feature_map_equals_gating_the_kernel(side: int) -> None:
    x, gate, kernel = _random(2, side, side, 5), _random(2, 1, 1, 5), _random(1, 1, 5, 3)
    ops = TensorOps({"project/kernel": kernel}, training=True)
    y = ops.conv(ops.scale(x, gate), 3, "project")
    np.testing.assert_allclose(y, tf.nn.conv2d(x * gate, kernel, 1, "SAME"), rtol=0, atol=1e-5)
