"""Operations of the training step in the form that runs fastest on processors, equal to the plain ones but rounding.

A step at proxy size is bound by memory and by its longest chain of operations rather than by arithmetic, so some of
these save passes over feature maps `[batch, height, width, channels]` or take them off the chain. Channel dimensions
may be known at run time only; heights and widths are known. `effspine bench profile` says what is left.

Each is a `Differentiable`, written like those of `plain_kernels`.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import tensorflow as tf

from proxy_trainer.engine.plain_kernels import Found

raw = tf.raw_ops
Shape: TypeAlias = tf.Tensor | list[int]


class Sides(NamedTuple):
    """The sides of a 1x1 kernel from `channels` to `width`, as the shapes that a matrix product with it needs.

    `matrix` is [channels, width], `rows_in` [-1, channels], `rows_out` [-1, width], `map_out` [-1, 0, 0, width].
    """

    matrix: Shape
    rows_in: Shape
    rows_out: Shape
    map_out: Shape


def sides_of(kernel: tf.Tensor) -> Sides:
    """Those of a kernel `[1, 1, channels, width]`, or of the matrix `[channels, width]`."""
    channels, width = channels_and_width(kernel)
    return Sides(*(_shape(*each) for each in ((channels, width), (-1, channels), (-1, width), (-1, 0, 0, width))))


def swish(x: tf.Tensor) -> Found:
    """`x * sigmoid(x)`, with its derivative computed beside the forward pass.

    TensorFlow's own gradient waits for the gradient of the output, then takes five passes. Here the chain of the
    backward pass has one product; the rest depends on `x` alone and runs while another thread goes on with the network.
    """
    y = raw.Mul(x=x, y=raw.Sigmoid(x=x))
    # After y, so that this sigmoid stays apart from the one above, which the graph optimiser fuses with its product.
    with tf.control_dependencies([y]):
        gate = raw.Sigmoid(x=x)

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        return (raw.Mul(x=upstream, y=raw.AddV2(x=gate, y=raw.SigmoidGrad(y=gate, dy=x))),)

    return y, backward


def fuse(weights: tf.Tensor, *inputs: tf.Tensor, epsilon: float) -> Found:
    """Fast normalised fusion (Equation 1) of feature maps with one weight for each, `[inputs]`."""
    positive = raw.Relu(features=weights)
    total = raw.AddV2(x=raw.Sum(input=positive, axis=[0]), y=tf.constant(epsilon, weights.dtype))
    quotients = raw.RealDiv(x=positive, y=total)
    shares = raw.Unpack(value=quotients, num=len(inputs))
    y = raw.AddN(inputs=[raw.Mul(x=share, y=x) for share, x in zip(shares, inputs, strict=True)])

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        of_shares = raw.Pack(values=[raw.Sum(input=raw.Mul(x=upstream, y=x), axis=[0, 1, 2, 3]) for x in inputs])
        of_total = raw.Sum(input=raw.Mul(x=of_shares, y=raw.RealDiv(x=raw.Neg(x=quotients), y=total)), axis=[0])
        of_positive = raw.AddV2(x=raw.RealDiv(x=of_shares, y=total), y=of_total)
        of_inputs = (raw.Mul(x=upstream, y=share) for share in shares)
        return raw.ReluGrad(gradients=of_positive, features=positive), *of_inputs

    return y, backward


def pointwise_conv(x: tf.Tensor, kernel: tf.Tensor, *, sides: Sides | None = None) -> Found:
    """The 1x1 convolution of `x` with a kernel as one matrix product.

    The convolution kernels, that of the filter gradient above all, lay out their operands anew in every call; the
    matrix product takes them as they are. The kernel is `[1, 1, channels, width]`, or the matrix `[channels, width]`.
    """
    height, breadth = x.shape[1:3]
    sides = sides or sides_of(kernel)
    matrix = _matrix(kernel, sides.matrix)
    rows = raw.Reshape(tensor=x, shape=sides.rows_in)
    product = raw.MatMul(a=rows, b=matrix)
    y = raw.Reshape(tensor=product, shape=_plus(sides.map_out, height, breadth))
    y.set_shape([None, height, breadth, kernel.shape[-1]])

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        upstream = raw.Reshape(tensor=upstream, shape=sides.rows_out)
        of_rows = raw.MatMul(a=upstream, b=matrix, transpose_b=True)
        of_matrix = raw.MatMul(a=rows, b=upstream, transpose_a=True)
        return raw.Reshape(tensor=of_rows, shape=raw.Shape(input=x)), _like(of_matrix, kernel)

    return y, backward


def gated_pointwise_conv(x: tf.Tensor, gate: tf.Tensor, kernel: tf.Tensor) -> Found:
    """The 1x1 convolution of `x * gate`, for a gate `[batch, 1, 1, channels]`, by gating the kernel for each image.

    The product `x * gate` and its two gradients are passes over a feature map that is never made here. It pays where
    a map has more positions than the kernel has columns.
    """
    height, breadth = x.shape[1:3]
    channels, width = channels_and_width(kernel)
    matrix = _matrix(kernel, _shape(channels, width))
    columns = raw.Reshape(tensor=gate, shape=_shape(-1, channels, 1))
    kernels = raw.Mul(x=columns, y=matrix)
    rows = raw.Reshape(tensor=x, shape=_shape(-1, height * breadth, channels))
    y = raw.Reshape(tensor=raw.BatchMatMulV2(x=rows, y=kernels), shape=_shape(-1, height, breadth, width))

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        upstream = raw.Reshape(tensor=upstream, shape=_shape(-1, height * breadth, width))
        of_rows = raw.BatchMatMulV2(x=upstream, y=kernels, adj_y=True)
        of_kernels = raw.BatchMatMulV2(x=rows, y=upstream, adj_x=True)
        of_columns = raw.Sum(input=raw.Mul(x=of_kernels, y=matrix), axis=[2])
        of_matrix = raw.Sum(input=raw.Mul(x=of_kernels, y=columns), axis=[0])
        return _like(of_rows, x), _like(of_columns, gate), _like(of_matrix, kernel)

    return y, backward


def upsample(x: tf.Tensor, *, factor: int, size: tuple[int, int]) -> Found:
    """Nearest neighbours of `x`, `factor` times as high and wide and cropped to `size`."""
    height, breadth = factor * x.shape[1], factor * x.shape[2]
    apart = raw.ExpandDims(input=raw.ExpandDims(input=x, axis=2), axis=4)
    tiled = raw.Tile(input=apart, multiples=[1, 1, factor, 1, factor, 1])
    y = raw.Reshape(tensor=tiled, shape=raw.Mul(x=raw.Shape(input=x), y=tf.constant([1, factor, factor, 1])))
    y.set_shape([None, height, breadth, x.shape[3]])
    too_many = [[0, 0], [0, height - size[0]], [0, breadth - size[1]], [0, 0]]
    is_cropped = (height, breadth) != size

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        whole = raw.Pad(input=upstream, paddings=too_many) if is_cropped else upstream
        return (raw.Sum(input=raw.Reshape(tensor=whole, shape=raw.Shape(input=tiled)), axis=[2, 4]),)

    return raw.Slice(input=y, begin=[0, 0, 0, 0], size=[-1, *size, -1]) if is_cropped else y, backward


def number_of_channels(x: tf.Tensor) -> int | tf.Tensor:
    """The number of channels, as a tensor where it is known at run time only."""
    return tf.shape(x)[3] if x.shape[3] is None else x.shape[3]


def channels_and_width(kernel: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Those of a kernel `[1, 1, channels, width]` or a matrix `[channels, width]`, where known as numbers."""
    channels, width = kernel.shape[-2:]
    if None in (channels, width):
        channels, width = raw.Unpack(value=raw.Shape(input=kernel), num=kernel.shape.rank)[-2:]
    return channels, width


def _shape(*sides: int | tf.Tensor) -> Shape:
    return list(sides) if all(isinstance(side, int) for side in sides) else raw.Pack(values=list(sides))


def _plus(shape: Shape, height: int, breadth: int) -> Shape:
    """A shape with a height and a width."""
    if isinstance(shape, list):
        return [shape[0], height, breadth, shape[3]]
    return raw.AddV2(x=shape, y=tf.constant([0, height, breadth, 0]))


def _matrix(kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    return kernel if kernel.shape.rank == 2 else raw.Reshape(tensor=kernel, shape=shape)


def _like(values: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
    """The values in the shape of another tensor."""
    return (
        values
        if wanted.shape.rank == values.shape.rank == 2
        else raw.Reshape(tensor=values, shape=raw.Shape(input=wanted))
    )
