"""Operations of the training step in the form that runs fastest on processors, equal to the plain ones but rounding.

A step at proxy size is bound by memory and by its longest chain of operations rather than by arithmetic, so each of
these saves passes over feature maps `[batch, height, width, channels]` or takes them off the chain. Channel dimensions
may be known at run time only; heights and widths are known. `effspine bench profile` says what is left.
"""

from __future__ import annotations

import tensorflow as tf


def swish(x: tf.Tensor) -> tf.Tensor:
    """`x * sigmoid(x)`, with its derivative computed beside the forward pass.

    TensorFlow's own gradient waits for the gradient of the output, then takes five passes. Here the chain of the
    backward pass has one product; the rest depends on `x` alone and runs while another thread goes on with the network.
    """
    return _swish(x)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _swish(x: tf.Tensor) -> tuple[tf.Tensor, object]:
    y = x * tf.sigmoid(x)
    # After y, so that this sigmoid stays apart from the one above, which the graph optimiser fuses with its product.
    with tf.control_dependencies([y]):
        gate = tf.sigmoid(x)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return upstream * (gate + tf.raw_ops.SigmoidGrad(y=gate, dy=x))

    return y, gradient


def pointwise_conv(x: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The 1x1 convolution of `x` with a kernel `[1, 1, channels, width]` as one matrix product.

    The convolution kernels, that of the filter gradient above all, lay out their operands anew in every call; the
    matrix product takes them as they are.
    """
    height, breadth = x.shape[1:3]
    channels, width = _sides(kernel)
    y = tf.reshape(x, (-1, channels)) @ tf.reshape(kernel, (channels, width))
    return tf.reshape(y, (-1, height, breadth, width))


def gated_pointwise_conv(x: tf.Tensor, gate: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """The 1x1 convolution of `x * gate`, for a gate `[batch, 1, 1, channels]`, by gating the kernel for each image.

    The product `x * gate` and its two gradients are passes over a feature map that is never made here. It pays where
    a map has more positions than the kernel has columns.
    """
    height, breadth = x.shape[1:3]
    channels, width = _sides(kernel)
    kernels = tf.reshape(gate, (-1, channels, 1)) * tf.reshape(kernel, (channels, width))
    y = tf.reshape(x, (-1, height * breadth, channels)) @ kernels
    return tf.reshape(y, (-1, height, breadth, width))


def upsample(x: tf.Tensor, factor: int, size: tuple[int, int]) -> tf.Tensor:
    """Nearest neighbours of `x`, `factor` times as high and wide and cropped to `size`."""
    height, breadth = x.shape[1:3]
    y = tf.tile(x[:, :, None, :, None, :], (1, 1, factor, 1, factor, 1))
    y = tf.reshape(y, (-1, factor * height, factor * breadth, number_of_channels(x)))
    return y if (factor * height, factor * breadth) == size else y[:, : size[0], : size[1]]


def number_of_channels(x: tf.Tensor) -> int | tf.Tensor:
    """The number of channels, as a tensor where it is known at run time only."""
    return tf.shape(x)[3] if x.shape[3] is None else x.shape[3]


def _sides(kernel: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Channels and width of a kernel `[1, 1, channels, width]`."""
    channels, width = kernel.shape[2:]
    if None in (channels, width):
        channels, width = tf.unstack(tf.shape(kernel)[2:], num=2)
    return channels, width
