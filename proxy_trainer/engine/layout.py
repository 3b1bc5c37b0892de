"""Where each parameter lies in the flat vectors, for any architecture of a family or for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf

from search_space.parameters import Parameter, by_kind


class Layout(Protocol):
    """Cuts flat vectors, in the order of `search_space.cost.parameters`, into tensors by name."""

    @property
    def statistic_names(self) -> list[str]:
        """The running statistics of batch normalisation in their order."""
        ...

    def trainable(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        """The weights, from all of them."""
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
        self._trainable_sizes, self._statistic_sizes = (
            tf.Variable(tf.zeros([len(group)], tf.int32), trainable=False, name=f"{name}_sizes")
            for name, group in (("trainable", self._trainable), ("statistics", self._statistics))
        )
        kernels = [p for p in self._trainable if len(p.shape) == 4]
        self._shape_rows = {p.name: row for row, p in enumerate(kernels)}
        self._shapes = tf.Variable(tf.zeros([len(kernels), 4], tf.int32), trainable=False, name="kernel_shapes")

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
        self._shapes.assign([by_name[name].shape if name in by_name else (1, 1, 0, 0) for name in self._shape_rows])

    def trainable(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        shapes = tf.unstack(self._shapes, num=len(self._shape_rows))
        pieces = tf.split(flat, self._trainable_sizes, num=len(self._trainable))
        tensors = {}
        for parameter, piece in zip(self._trainable, pieces, strict=True):
            if len(parameter.shape) == 4:
                piece = tf.reshape(piece, shapes[self._shape_rows[parameter.name]])
                last = 1 if parameter.role == "depthwise_kernel" else None
                piece.set_shape([*parameter.shape[:2], None, last])
            elif parameter.role == "fusion":
                piece.set_shape(parameter.shape)
            tensors[parameter.name] = piece
        return tensors

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

    def trainable(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        return _cut(flat, self._trainable)

    def statistics(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        return _cut(flat, self._statistics)


def _cut(flat: tf.Tensor, group: Sequence[Parameter]) -> dict[str, tf.Tensor]:
    sizes = [p.size for p in group]
    pieces = tf.split(tf.reshape(flat, [sum(sizes)]), sizes)
    return {p.name: tf.reshape(piece, p.shape) for p, piece in zip(group, pieces, strict=True)}
