"""Where each parameter lies in the flat vectors, for any architecture of a family or for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from proxy_trainer.engine.tensor_kernels import Sides
from search_space.parameters import Parameter, by_kind

_SIDES = [2, 2, 2, 4]
"""Lengths of the shapes in `Sides`."""


class Weights(NamedTuple):
    """The weights by name, where 1x1 kernels may be matrices, with the shapes of those in `sides`."""

    tensors: dict[str, tf.Tensor]
    sides: dict[str, Sides]


class Layout(Protocol):
    """Cuts flat vectors, in the order of `search_space.cost.parameters`, into tensors by name."""

    @property
    def statistic_names(self) -> list[str]:
        """The running statistics of batch normalisation in their order."""
        ...

    def trainable(self, flat: tf.Tensor) -> Weights:
        """The weights, from all of them."""
        ...

    def joined(self, gradients: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """The flat vector of the gradients with respect to all weights."""
        ...

    def statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        """The running statistics, from all of them."""
        ...


class FamilyLayout:
    """The layout of any architecture of a family, known when the graph runs.

    `family` is every parameter that an architecture can have; those that it lacks take no room. `load` takes the
    shapes of one, as data: the tensors of a traced graph are those of the architecture that is in when it runs.
    """

    def __init__(self, family: Sequence[Parameter]) -> None:
        self._trainable, self._statistics = by_kind(family)
        kernels = [p for p in self._trainable if len(p.shape) == 4]
        self._pointwise = [p.name for p in kernels if p.role == "kernel" and p.shape[:2] == (1, 1)]
        self._spatial = [p.name for p in kernels if p.name not in self._pointwise]
        self._trainable_sizes, self._statistic_sizes, self._shapes, self._sides = (
            tf.Variable(tf.zeros(shape, tf.int32), trainable=False, name=name)
            for name, shape in (
                ("trainable_sizes", [len(self._trainable)]),
                ("statistics_sizes", [len(self._statistics)]),
                ("kernel_shapes", [len(self._spatial), 4]),
                ("pointwise_sides", [len(self._pointwise), sum(_SIDES)]),
            )
        )

    @property
    def statistic_names(self) -> list[str]:
        return [p.name for p in self._statistics]

    def load(self, present: Sequence[Parameter]) -> None:
        """Take the shapes of one architecture."""
        by_name = {p.name: p for p in present}
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
        sides = [(c, w, -1, c, -1, w, -1, 0, 0, w) for c, w in (shapes[name][2:] for name in self._pointwise)]
        self._sides.assign(np.reshape(sides, self._sides.shape))

    def trainable(self, flat: tf.Tensor) -> Weights:
        columns = tf.split(self._sides, _SIDES, axis=1)
        tables = (tf.unstack(column, num=len(self._pointwise)) for column in columns)
        sides = dict(zip(self._pointwise, map(Sides, *tables), strict=True))
        shapes = dict(zip(self._spatial, tf.unstack(self._shapes, num=len(self._spatial)), strict=True))
        pieces = tf.split(flat, self._trainable_sizes, num=len(self._trainable))
        tensors = {}
        for parameter, piece in zip(self._trainable, pieces, strict=True):
            name = parameter.name
            if name in sides:
                piece = tf.raw_ops.Reshape(tensor=piece, shape=sides[name].matrix)
                piece.set_shape([None, None])
            elif name in shapes:
                piece = tf.raw_ops.Reshape(tensor=piece, shape=shapes[name])
                last = 1 if parameter.role == "depthwise_kernel" else None
                piece.set_shape([*parameter.shape[:2], None, last])
            elif parameter.role == "fusion":
                piece.set_shape(parameter.shape)
            tensors[name] = piece
        return Weights(tensors, sides)

    def joined(self, gradients: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _joined(gradients, self._trainable)

    def statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        pieces = tf.split(flat, self._statistic_sizes, num=len(self._statistics))
        return dict(zip(self.statistic_names, pieces, strict=True))


class FixedLayout:
    """The layout of one architecture, whose shapes are all known while a graph is traced, as XLA wants them."""

    def __init__(self, present: Sequence[Parameter]) -> None:
        self._trainable, self._statistics = by_kind(present)

    @property
    def statistic_names(self) -> list[str]:
        return [p.name for p in self._statistics]

    def trainable(self, flat: tf.Tensor) -> Weights:
        return Weights(_cut(flat, self._trainable), {})

    def joined(self, gradients: Mapping[str, tf.Tensor]) -> tf.Tensor:
        return _joined(gradients, self._trainable)

    def statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        return _cut(flat, self._statistics)


def _cut(flat: tf.Tensor, group: Sequence[Parameter]) -> dict[str, tf.Tensor]:
    sizes = [p.size for p in group]
    pieces = tf.split(tf.reshape(flat, [sum(sizes)]), sizes)
    return {p.name: tf.reshape(piece, p.shape) for p, piece in zip(group, pieces, strict=True)}


def _joined(gradients: Mapping[str, tf.Tensor], group: Sequence[Parameter]) -> tf.Tensor:
    return tf.raw_ops.ConcatV2(
        values=[
            tf.raw_ops.Reshape(tensor=gradients[p.name], shape=[-1]) if len(p.shape) != 1 else gradients[p.name]
            for p in group
        ],
        axis=0,
    )
