"""What runs a network without training it: makers of interpreters, for weights in training and for loaded ones."""

from __future__ import annotations

from typing import Protocol, TypeVar

import tensorflow as tf

from proxy_trainer.engine.tensor_ops import TensorOps
from search_space.detector_model import Tensors

Kind = TypeVar("Kind", bound=TensorOps)


class MakeOps(Protocol):
    """Makes the interpreter of a kind for a graph that is being traced, with the weights that are scored."""

    def __call__(self, kind: type[Kind], /) -> Kind:
        """An interpreter of this kind, for inference."""
        ...


def loaded_ops(tensors: Tensors) -> MakeOps:
    """The maker for the tensors of a model directory."""
    parameters = {name: tf.constant(values) for name, values in tensors.items()}

    def make(kind: type[Kind], /) -> Kind:
        return kind(parameters, training=False)

    return make
