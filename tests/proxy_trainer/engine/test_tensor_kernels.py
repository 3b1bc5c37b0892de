"""The fast forms of operations equal TensorFlow's plain ones, in values and in gradients, at widths known or not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.engine import tensor_kernels
from proxy_trainer.engine.tensor_ops import GATED_KERNEL_POSITIONS, TensorOps

RNG = np.random.default_rng(0)
TOLERANCE = 1e-5
"""Of the largest value of a tensor: what the order of a sum changes in float32."""

WIDTHS = pytest.mark.parametrize("known", [True, False], ids=["known widths", "unknown widths"])


def _random(*shape: int) -> tf.Tensor:
    return tf.constant(RNG.standard_normal(shape), tf.float32)


def _check(
    actual: Callable[..., tf.Tensor], expected: Callable[..., tf.Tensor], *inputs: tf.Tensor, known: bool
) -> None:
    """Both give the same values, and the same gradients with respect to every input, of a random sum of the values."""
    shape = expected(*inputs).shape
    share = _random(*shape)

    def results(function: Callable[..., tf.Tensor], *arguments: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            y = function(*arguments)
            total = tf.reduce_sum(y * share)
        return [y, *tape.gradient(total, arguments)]

    specs = [_spec(each, known) for each in inputs]
    graph = tf.function(lambda *arguments: results(actual, *arguments), input_signature=specs, autograph=False)
    for found, wanted in zip(graph(*inputs), results(expected, *inputs), strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * float(tf.reduce_max(tf.abs(wanted))))


def _spec(tensor: tf.Tensor, known: bool) -> tf.TensorSpec:
    """Heights and widths are known while tracing; batch and channels need not be."""
    if known:
        return tf.TensorSpec(tensor.shape)
    is_kernel = tensor.shape[0] == 1
    return tf.TensorSpec([1, 1, None, None] if is_kernel else [None, *tensor.shape[1:3], None])


@WIDTHS
def test_swish(known: bool) -> None:
    x = tf.concat([_random(3, 4, 5, 6) * 4.0, tf.constant(0.0, shape=(3, 4, 5, 1)), _random(3, 4, 5, 1) * 100.0], -1)
    _check(tensor_kernels.swish, tf.nn.silu, x, known=known)


@WIDTHS
def test_pointwise_convolution(known: bool) -> None:
    def plain(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    _check(tensor_kernels.pointwise_conv, plain, _random(3, 4, 5, 7), _random(1, 1, 7, 6), known=known)


@WIDTHS
def test_gated_pointwise_convolution(known: bool) -> None:
    def plain(x: tf.Tensor, gate: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(x * gate, kernel, 1, "SAME")

    inputs = _random(3, 4, 5, 7), _random(3, 1, 1, 7), _random(1, 1, 7, 6)
    _check(tensor_kernels.gated_pointwise_conv, plain, *inputs, known=known)


@WIDTHS
@pytest.mark.parametrize("size", [(6, 10), (5, 9)], ids=["whole", "cropped"])
def test_upsampling(size: tuple[int, int], known: bool) -> None:
    def plain(x: tf.Tensor) -> tf.Tensor:
        return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)[:, : size[0], : size[1]]

    _check(lambda x: tensor_kernels.upsample(x, 2, size), plain, _random(2, 3, 5, 4), known=known)


def test_pointwise_convolution_without_channels_gives_a_map_without_channels() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, 2, 3, None]), tf.TensorSpec([1, 1, None, None])])
    def conv(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tensor_kernels.pointwise_conv(x, kernel)

    assert conv(_random(2, 2, 3, 4), tf.zeros([1, 1, 4, 0])).shape == (2, 2, 3, 0)


@pytest.mark.parametrize("side", [4, int(GATED_KERNEL_POSITIONS**0.5)], ids=["gate in the map", "gate in the kernel"])
def test_a_gate_is_the_same_in_the_map_and_in_the_kernel(side: int) -> None:
    x, gate, kernel = _random(2, side, side, 5), _random(2, 1, 1, 5), _random(1, 1, 5, 3)
    ops = TensorOps({"project/kernel": kernel}, training=True)
    y = ops.conv(ops.scale(x, gate), 3, "project")
    np.testing.assert_allclose(y, tf.nn.conv2d(x * gate, kernel, 1, "SAME"), rtol=0, atol=1e-5)
