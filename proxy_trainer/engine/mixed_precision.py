"""The reading of a network with feature maps and convolutions in bfloat16, and everything that adds up in float32."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.parameters import Role, is_prediction


class MixedPrecisionOps(TensorOps):
    """`TensorOps` over bfloat16 feature maps, with parameters in float32.

    Kernels are rounded where they are used, so that their gradients come back in float32. Batch normalisation takes
    bfloat16 in and out, and computes its statistics in float32. Means over positions, fused sums and biases are taken
    in float32 too: their gradients are sums over whole feature maps, which eight bits of fraction cannot hold. The
    predictions stay in float32.
    """

    def depthwise(self, x: tf.Tensor, name: str, *, kernel: int, stride: int = 1) -> tf.Tensor:
        weights = self._parameter(f"{name}/kernel", "depthwise_kernel", kernel, kernel, x.shape[-1], 1)
        return _depthwise(x, weights, (1, stride, stride, 1))

    def global_pool(self, x: tf.Tensor) -> tf.Tensor:
        return tf.cast(super().global_pool(tf.cast(x, tf.float32)), x.dtype)

    def fuse(self, inputs: list[tf.Tensor], name: str) -> tf.Tensor:
        return tf.cast(super().fuse([tf.cast(x, tf.float32) for x in inputs], name), inputs[0].dtype)

    def _parameter(self, name: str, role: Role, *shape: int | None, initial: float = 0.0) -> tf.Tensor:
        values = super()._parameter(name, role, *shape, initial=initial)
        return tf.cast(values, tf.bfloat16) if role == "kernel" else values

    def _add_bias(self, x: tf.Tensor, width: int, name: str, initial: float) -> tf.Tensor:
        y = super()._add_bias(tf.cast(x, tf.float32), width, name, initial)
        return y if is_prediction(name) else tf.cast(y, x.dtype)


def _depthwise(x: tf.Tensor, weights: tf.Tensor, strides: tuple[int, int, int, int]) -> tf.Tensor:
    """Depthwise convolution of bfloat16 maps with float32 `weights`, whose gradient is computed in float32.

    In bfloat16 TensorFlow's kernel for that gradient on a processor gives other values on every call, up to infinity,
    where a filter covers its whole map and more: 3x3 with stride 2 over 1x1, 5x5 with stride 4 over 2x2.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def convolved(x: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
        rounded = tf.cast(weights, x.dtype)

        def gradients(of_y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            of_x = tf.nn.depthwise_conv2d_backprop_input(tf.shape(x), rounded, of_y, strides, "SAME")
            of_weights = tf.nn.depthwise_conv2d_backprop_filter(
                tf.cast(x, tf.float32), tf.shape(weights), tf.cast(of_y, tf.float32), strides, "SAME"
            )
            return of_x, of_weights

        return tf.nn.depthwise_conv2d(x, rounded, strides, "SAME"), gradients

    return convolved(x, weights)
