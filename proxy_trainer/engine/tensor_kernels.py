"""Operations of the training step that run faster on CPUs than TensorFlow's own, with the same results up to rounding.

At proxy size a step is limited by memory bandwidth and by its longest chain of dependent operations, not by
arithmetic. These operations save passes over feature maps `[batch, height, width, channels]` or move work off that
chain. Heights and widths are static; channels may be dynamic. `effspine bench profile` measures a step.

Each is a `Differentiable`, like those of `plain_kernels`.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import tensorflow as tf

from proxy_trainer.engine.plain_kernels import OutputAndBackward

raw = tf.raw_ops
Shape: TypeAlias = tf.Tensor | list[int]


class PointwiseShapes(NamedTuple):
    """The shapes that a 1x1 convolution as a matrix product needs, for a kernel from `in` to `out` channels.

    `matrix` is [in, out], `input_rows` [-1, in], `output_rows` [-1, out], `output_map` [-1, 0, 0, out].
    """

    matrix: Shape
    input_rows: Shape
    output_rows: Shape
    output_map: Shape


def pointwise_shapes(kernel: tf.Tensor) -> PointwiseShapes:
    """The shapes for a kernel `[1, 1, in, out]` or a matrix `[in, out]`."""
    inputs, outputs = kernel_channels(kernel)
    return PointwiseShapes(
        *(_shape(*each) for each in ((inputs, outputs), (-1, inputs), (-1, outputs), (-1, 0, 0, outputs)))
    )


def swish(x: tf.Tensor) -> OutputAndBackward:
    """`x * sigmoid(x)`, with the derivative computed in the forward pass.

    TensorFlow's gradient waits for the gradient of the output and then takes five passes. Here the backward pass adds
    one product to the chain; the rest depends on `x` alone and runs in parallel with the rest of the network.
    """
    y = raw.Mul(x=x, y=raw.Sigmoid(x=x))
    # The dependency keeps this sigmoid apart from the one above, which the graph optimiser fuses with its product.
    with tf.control_dependencies([y]):
        gate = raw.Sigmoid(x=x)

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        return (raw.Mul(x=upstream, y=raw.AddV2(x=gate, y=raw.SigmoidGrad(y=gate, dy=x))),)

    return y, backward


def fuse(weights: tf.Tensor, *inputs: tf.Tensor, epsilon: float) -> OutputAndBackward:
    """Fast normalised fusion (Equation 1) of feature maps, with `weights` `[inputs]`, one for each."""
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


def pointwise_conv(x: tf.Tensor, kernel: tf.Tensor, *, shapes: PointwiseShapes | None = None) -> OutputAndBackward:
    """The 1x1 convolution of `x` with a kernel `[1, 1, in, out]` or a matrix `[in, out]`, as one matrix product.

    TensorFlow's convolution kernels, above all that of the filter gradient, reorder their operands in every call; the
    matrix product does not.
    """
    height, width = x.shape[1:3]
    shapes = shapes or pointwise_shapes(kernel)
    matrix = _matrix(kernel, shapes.matrix)
    rows = raw.Reshape(tensor=x, shape=shapes.input_rows)
    product = raw.MatMul(a=rows, b=matrix)
    y = raw.Reshape(tensor=product, shape=_with_size(shapes.output_map, height, width))
    y.set_shape([None, height, width, kernel.shape[-1]])

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        upstream = raw.Reshape(tensor=upstream, shape=shapes.output_rows)
        of_rows = raw.MatMul(a=upstream, b=matrix, transpose_b=True)
        of_matrix = raw.MatMul(a=rows, b=upstream, transpose_a=True)
        return raw.Reshape(tensor=of_rows, shape=raw.Shape(input=x)), _reshape_like(of_matrix, kernel)

    return y, backward


def gated_pointwise_conv(x: tf.Tensor, gate: tf.Tensor, kernel: tf.Tensor) -> OutputAndBackward:
    """The 1x1 convolution of `x * gate`, for a gate `[batch, 1, 1, channels]`, with the gate folded into the kernel.

    Each image gets its own kernel, so neither `x * gate` nor its two gradients are computed. This pays off where the
    feature map has more positions than the kernel has output channels.
    """
    height, width = x.shape[1:3]
    inputs, outputs = kernel_channels(kernel)
    matrix = _matrix(kernel, _shape(inputs, outputs))
    columns = raw.Reshape(tensor=gate, shape=_shape(-1, inputs, 1))
    kernels = raw.Mul(x=columns, y=matrix)
    rows = raw.Reshape(tensor=x, shape=_shape(-1, height * width, inputs))
    y = raw.Reshape(tensor=raw.BatchMatMulV2(x=rows, y=kernels), shape=_shape(-1, height, width, outputs))

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        upstream = raw.Reshape(tensor=upstream, shape=_shape(-1, height * width, outputs))
        of_rows = raw.BatchMatMulV2(x=upstream, y=kernels, adj_y=True)
        of_kernels = raw.BatchMatMulV2(x=rows, y=upstream, adj_x=True)
        of_columns = raw.Sum(input=raw.Mul(x=of_kernels, y=matrix), axis=[2])
        of_matrix = raw.Sum(input=raw.Mul(x=of_kernels, y=columns), axis=[0])
        return _reshape_like(of_rows, x), _reshape_like(of_columns, gate), _reshape_like(of_matrix, kernel)

    return y, backward


def upsample(x: tf.Tensor, *, factor: int, size: tuple[int, int]) -> OutputAndBackward:
    """Nearest-neighbour upsampling of `x` by `factor`, cropped to `size` (height, width)."""
    height, width = factor * x.shape[1], factor * x.shape[2]
    expanded = raw.ExpandDims(input=raw.ExpandDims(input=x, axis=2), axis=4)
    tiled = raw.Tile(input=expanded, multiples=[1, 1, factor, 1, factor, 1])
    y = raw.Reshape(tensor=tiled, shape=raw.Mul(x=raw.Shape(input=x), y=tf.constant([1, factor, factor, 1])))
    y.set_shape([None, height, width, x.shape[3]])
    cropped = [[0, 0], [0, height - size[0]], [0, width - size[1]], [0, 0]]
    is_cropped = (height, width) != size

    def backward(upstream: tf.Tensor) -> tuple[tf.Tensor]:
        whole = raw.Pad(input=upstream, paddings=cropped) if is_cropped else upstream
        return (raw.Sum(input=raw.Reshape(tensor=whole, shape=raw.Shape(input=tiled)), axis=[2, 4]),)

    return raw.Slice(input=y, begin=[0, 0, 0, 0], size=[-1, *size, -1]) if is_cropped else y, backward


def number_of_channels(x: tf.Tensor) -> int | tf.Tensor:
    """The channels of a feature map, as a tensor where they are dynamic."""
    return tf.shape(x)[3] if x.shape[3] is None else x.shape[3]


def kernel_channels(kernel: tf.Tensor) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """Input and output channels of a kernel `[1, 1, in, out]` or a matrix `[in, out]`, as tensors where dynamic."""
    inputs, outputs = kernel.shape[-2:]
    if None in (inputs, outputs):
        inputs, outputs = raw.Unpack(value=raw.Shape(input=kernel), num=kernel.shape.rank)[-2:]
    return inputs, outputs


def _shape(*dimensions: int | tf.Tensor) -> Shape:
    is_static = all(isinstance(dimension, int) for dimension in dimensions)
    return list(dimensions) if is_static else raw.Pack(values=list(dimensions))


def _with_size(shape: Shape, height: int, width: int) -> Shape:
    """The shape `[batch, 0, 0, channels]` with a height and a width."""
    if isinstance(shape, list):
        return [shape[0], height, width, shape[3]]
    return raw.AddV2(x=shape, y=tf.constant([0, height, width, 0]))


def _matrix(kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    return kernel if kernel.shape.rank == 2 else raw.Reshape(tensor=kernel, shape=shape)


def _reshape_like(values: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """The values in the shape of `target`."""
    return (
        values
        if target.shape.rank == values.shape.rank == 2
        else raw.Reshape(tensor=values, shape=raw.Shape(input=target))
    )
