"""Operations of the training step in the form that runs fastest on processors, equal to the plain ones but rounding.

A step at proxy size is bound by memory and by its longest chain of operations rather than by arithmetic, so some of
these save passes over feature maps `[batch, height, width, channels]` or take them off the chain. Channel dimensions
may be known at run time only; heights and widths are known. `effspine bench profile` says what is left.

Each is a `Differentiable`: it gives its output and its gradient, both in as few operations as possible, since a process
traces and optimises all of them before its first step. So they are written in `tf.raw_ops`.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from proxy_trainer.reverse_mode import Backward

raw = tf.raw_ops
Shape = tf.Tensor | list[int]
Found = tuple[tf.Tensor, Backward]
"""What a `Differentiable` gives."""


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


def relu(x: tf.Tensor) -> Found:
    """`x` where it is positive, else 0."""
    y = raw.Relu(features=x)
    return y, lambda upstream: (raw.ReluGrad(gradients=upstream, features=y),)


def sigmoid(x: tf.Tensor) -> Found:
    """`1 / (1 + exp(-x))`."""
    y = raw.Sigmoid(x=x)
    return y, lambda upstream: (raw.SigmoidGrad(y=y, dy=upstream),)


def add(x: tf.Tensor, y: tf.Tensor) -> Found:
    """`x + y`, both of one shape."""
    return raw.AddV2(x=x, y=y), lambda upstream: (upstream, upstream)


def bias_add(x: tf.Tensor, bias: tf.Tensor) -> Found:
    """`x` with a bias `[channels]`."""
    return raw.BiasAdd(value=x, bias=bias), lambda upstream: (upstream, raw.BiasAddGrad(out_backprop=upstream))


def scale_images(x: tf.Tensor, factor: tf.Tensor) -> Found:
    """`x` times a factor `[batch, 1, 1, 1]` that has no gradient."""
    return raw.Mul(x=x, y=factor), lambda upstream: (raw.Mul(x=upstream, y=factor), None)


def gated(x: tf.Tensor, gate: tf.Tensor) -> Found:
    """`x` times a gate `[batch, 1, 1, channels]`."""

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_gate = raw.Sum(input=raw.Mul(x=upstream, y=x), axis=[1, 2], keep_dims=True)
        return raw.Mul(x=upstream, y=gate), of_gate

    return raw.Mul(x=x, y=gate), backward


def global_pool(x: tf.Tensor) -> Found:
    """The mean over positions, `[batch, 1, 1, channels]`."""
    positions = x.shape[1] * x.shape[2]

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        share = raw.RealDiv(x=upstream, y=tf.constant(positions, x.dtype))
        return (raw.BroadcastTo(input=share, shape=raw.Shape(input=x)),)

    return raw.Mean(input=x, axis=[1, 2], keep_dims=True), backward


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


def batch_norm(
    x: tf.Tensor,
    scale: tf.Tensor,
    offset: tf.Tensor,
    *,
    epsilon: float,
    nothing: tf.Tensor,
    statistics: list[tf.Tensor],
) -> Found:
    """`x` normalised by the mean and the variance of the batch, which are put into `statistics`.

    `nothing` is an empty tensor, in the place of the running statistics.
    """
    y, mean, variance, *spaces = raw.FusedBatchNormV3(
        x=x, scale=scale, offset=offset, mean=nothing, variance=nothing, epsilon=epsilon
    )
    statistics += (mean, variance)

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
        names = (f"reserve_space_{number}" for number in (1, 2, 3))
        found = raw.FusedBatchNormGradV3(
            y_backprop=upstream, x=x, scale=scale, epsilon=epsilon, **dict(zip(names, spaces, strict=True))
        )
        return tuple(found[:3])

    return y, backward


def conv(x: tf.Tensor, kernel: tf.Tensor, *, stride: int) -> Found:
    """The convolution of `x` with a kernel `[height, breadth, channels, width]`."""
    settings = {"strides": [1, stride, stride, 1], "padding": "SAME"}

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_x = raw.Conv2DBackpropInput(input_sizes=raw.Shape(input=x), filter=kernel, out_backprop=upstream, **settings)
        of_kernel = raw.Conv2DBackpropFilter(
            input=x, filter_sizes=raw.Shape(input=kernel), out_backprop=upstream, **settings
        )
        return of_x, of_kernel

    return raw.Conv2D(input=x, filter=kernel, **settings), backward


def depthwise_conv(x: tf.Tensor, kernel: tf.Tensor, *, stride: int) -> Found:
    """The depthwise convolution of `x` with a float32 kernel `[height, width, channels, 1]`.

    The gradient of the kernel is computed in float32, whatever `x` is. In bfloat16 TensorFlow's kernel for it on a
    processor gives other values on every call, up to infinity, where a filter covers its whole map and more: 3x3 with
    stride 2 over 1x1, 5x5 with stride 4 over 2x2.
    """
    settings = {"strides": [1, stride, stride, 1], "padding": "SAME"}
    rounded = _in(kernel, x.dtype)

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        of_x = raw.DepthwiseConv2dNativeBackpropInput(
            input_sizes=raw.Shape(input=x), filter=rounded, out_backprop=upstream, **settings
        )
        of_kernel = raw.DepthwiseConv2dNativeBackpropFilter(
            input=_in(x, kernel.dtype),
            filter_sizes=raw.Shape(input=kernel),
            out_backprop=_in(upstream, kernel.dtype),
            **settings,
        )
        return of_x, of_kernel

    return raw.DepthwiseConv2dNative(input=x, filter=rounded, **settings), backward


def cast(x: tf.Tensor, *, dtype: tf.DType) -> Found:
    """`x` in another precision."""
    return raw.Cast(x=x, DstT=dtype), lambda upstream: (raw.Cast(x=upstream, DstT=x.dtype),)


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


def space_to_depth(x: tf.Tensor) -> Found:
    """2x2 positions into 4 times the channels; odd sizes are padded with zeros at the end."""
    height, breadth = x.shape[1:3]
    is_odd = height % 2 or breadth % 2
    paddings = [[0, 0], [0, height % 2], [0, breadth % 2], [0, 0]]
    even = raw.Pad(input=x, paddings=paddings) if is_odd else x

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        of_even = raw.DepthToSpace(input=upstream, block_size=2)
        return (raw.Slice(input=of_even, begin=[0, 0, 0, 0], size=raw.Shape(input=x)) if is_odd else of_even,)

    return raw.SpaceToDepth(input=even, block_size=2), backward


def number_of_channels(x: tf.Tensor) -> int | tf.Tensor:
    """The number of channels, as a tensor where it is known at run time only."""
    return tf.shape(x)[3] if x.shape[3] is None else x.shape[3]


def channels_and_width(kernel: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Those of a kernel `[1, 1, channels, width]` or a matrix `[channels, width]`, where known as numbers."""
    channels, width = kernel.shape[-2:]
    if None in (channels, width):
        channels, width = raw.Unpack(value=raw.Shape(input=kernel), num=kernel.shape.rank)[-2:]
    return channels, width


def _in(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    return x if x.dtype == dtype else raw.Cast(x=x, DstT=dtype)


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
