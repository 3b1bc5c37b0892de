"""Splits the flat parameter vectors of the engine into tensors by name, with dynamic or with static shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from proxy_trainer.engine.tensor_kernels import PointwiseShapes
from search_space.parameters import Parameter, by_kind

_SHAPE_LENGTHS = [2, 2, 2, 4]
"""Lengths of the shapes in `PointwiseShapes`."""


class Weights(NamedTuple):
    """Trainable tensors by name. A 1x1 kernel may be a matrix; its shapes are then in `pointwise_shapes`."""

    tensors: dict[str, tf.Tensor]
    pointwise_shapes: dict[str, PointwiseShapes]


class Layout(Protocol):
    """Splits flat vectors, in the order of `search_space.cost.parameters`, into tensors by name."""

    @property
    def statistic_names(self) -> list[str]:
        """The names of the running statistics of batch normalisation, in order."""
        ...

    def split_weights(self, flat: tf.Tensor) -> Weights:
        """The trainable tensors in the flat vector of all weights."""
        ...

    def flatten(self, gradients: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The flat vector of the gradients with respect to all weights; the inverse of `split_weights`."""
        ...

    def split_statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        """The running statistics in the flat vector of all of them."""
        ...


class DynamicLayout:
    """A layout with dynamic shapes, for every architecture of one structure.

    `superset` holds every parameter that one of these architectures can have. `load` sets the shapes of one
    architecture, which a traced graph reads when it runs; parameters that the architecture lacks have size 0.
    """

    def __init__(self, superset: Sequence[Parameter]) -> None:
        self._trainable, self._statistics = by_kind(superset)
        kernels = [p for p in self._trainable if len(p.shape) == 4]
        self._pointwise = [p.name for p in kernels if p.role == "kernel" and p.shape[:2] == (1, 1)]
        self._spatial = [p.name for p in kernels if p.name not in self._pointwise]
        self._trainable_sizes, self._statistic_sizes, self._shapes, self._pointwise_shapes = (
            tf.Variable(tf.zeros(shape, tf.int32), trainable=False, name=name)
            for name, shape in (
                ("trainable_sizes", [len(self._trainable)]),
                ("statistics_sizes", [len(self._statistics)]),
                ("kernel_shapes", [len(self._spatial), 4]),
                ("pointwise_shapes", [len(self._pointwise), sum(_SHAPE_LENGTHS)]),
            )
        )

    @property
    def statistic_names(self) -> list[str]:
        return [p.name for p in self._statistics]

    def load(self, parameters: Sequence[Parameter]) -> None:
        """Sets the shapes of one architecture, given by its parameters."""
        by_name = {p.name: p for p in parameters}
        for sizes, group in (
            (self._trainable_sizes, self._trainable),
            (self._statistic_sizes, self._statistics),
        ):
            sizes.assign([by_name[p.name].size if p.name in by_name else 0 for p in group])
        shapes = {
            name: by_name[name].shape if name in by_name else (1, 1, 0, 0)
            for name in (*self._spatial, *self._pointwise)
        }
        self._shapes.assign(np.reshape([shapes[name] for name in self._spatial], self._shapes.shape))
        pointwise = [(i, o, -1, i, -1, o, -1, 0, 0, o) for i, o in (shapes[name][2:] for name in self._pointwise)]
        self._pointwise_shapes.assign(np.reshape(pointwise, self._pointwise_shapes.shape))

    def split_weights(self, flat: tf.Tensor) -> Weights:
        columns = tf.split(self._pointwise_shapes, _SHAPE_LENGTHS, axis=1)
        tables = (tf.unstack(column, num=len(self._pointwise)) for column in columns)
        pointwise_shapes = dict(zip(self._pointwise, map(PointwiseShapes, *tables), strict=True))
        shapes = dict(zip(self._spatial, tf.unstack(self._shapes, num=len(self._spatial)), strict=True))
        pieces = tf.split(flat, self._trainable_sizes, num=len(self._trainable))
        tensors = {}
        for parameter, piece in zip(self._trainable, pieces, strict=True):
            name = parameter.name
            if name in pointwise_shapes:
                piece = tf.raw_ops.Reshape(tensor=piece, shape=pointwise_shapes[name].matrix)
                piece.set_shape([None, None])
            elif name in shapes:
                piece = tf.raw_ops.Reshape(tensor=piece, shape=shapes[name])
                last = 1 if parameter.role == "depthwise_kernel" else None
                piece.set_shape([*parameter.shape[:2], None, last])
            elif parameter.role == "fusion":
                piece.set_shape(parameter.shape)
            tensors[name] = piece
        return Weights(tensors, pointwise_shapes)

    def flatten(self, gradients: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _flatten(gradients, self._trainable)

    def split_statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        pieces = tf.split(flat, self._statistic_sizes, num=len(self._statistics))
        return dict(zip(self.statistic_names, pieces, strict=True))


class StaticLayout:
    """The layout of one architecture, with static shapes, as XLA requires."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._trainable, self._statistics = by_kind(parameters)

    @property
    def statistic_names(self) -> list[str]:
        return [p.name for p in self._statistics]

    def split_weights(self, flat: tf.Tensor) -> Weights:
        return Weights(_split(flat, self._trainable), {})

    def flatten(self, gradients: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _flatten(gradients, self._trainable)

    def split_statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        return _split(flat, self._statistics)


def _split(flat: tf.Tensor, group: Sequence[Parameter]) -> dict[str, tf.Tensor]:
    sizes = [p.size for p in group]
    pieces = tf.split(tf.reshape(flat, [sum(sizes)]), sizes)
    return {p.name: tf.reshape(piece, p.shape) for p, piece in zip(group, pieces, strict=True)}


def _flatten(gradients: Mapping[str, tf.Tensor], group: Sequence[Parameter]) -> tf.Tensor:
    return tf.raw_ops.ConcatV2(
        values=[
            tf.raw_ops.Reshape(tensor=gradients[p.name], shape=[-1]) if len(p.shape) != 1 else gradients[p.name]
            for p in group
        ],
        axis=0,
    )
