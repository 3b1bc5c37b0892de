"""Any network as a `tf.Module` with fixed widths and its own variables, for the models of the catalogue.

The engine, in contrast, trains proxies of all widths through one graph. Here the variables have the shapes that occur
while the graph is traced.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from proxy_trainer.engine.region_ops import TensorRegionOps
from search_space.catalogue import Model
from search_space.parameters import Parameter, Role, initial_values


class TensorNetwork(tf.Module):  # type: ignore[misc]
    """One model of the catalogue, with fresh weights from `seed`.

    A call with normalised images `[batch, px, px, 3]` returns the network's raw predictions, with running statistics
    or, in `training`, with those of the batch. The first call creates the variables, with the names of
    `search_space.cost.network_parameters`.
    """

    def __init__(self, model: Model, seed: int = 0) -> None:
        super().__init__()
        self._network = model.network
        self._seed = seed
        self.values: dict[str, tf.Variable] = {}

    def __call__(self, images: tf.Tensor, training: bool = False) -> Any:
        return self._network(_VariableOps(self.values, self._seed, training=training), images)


class _VariableOps(TensorRegionOps):
    """The TensorFlow interpreter that creates the variable of each parameter at its first use."""

    def __init__(self, values: dict[str, tf.Variable], seed: int, *, training: bool) -> None:
        super().__init__(values, training=training)
        self._values = values
        self._seed = seed

    def _parameter(self, name: str, role: Role, *shape: int | None, initial: float = 0.0) -> tf.Tensor:
        if name not in self._values:
            parameter = Parameter(name, role, tuple(int(side) for side in shape), initial)  # type: ignore[arg-type]
            values = initial_values([parameter], self._seed).reshape(parameter.shape)
            with tf.init_scope():
                self._values[name] = tf.Variable(values, trainable=parameter.is_trainable, name=name)
        return self._values[name]
