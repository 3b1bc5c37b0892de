"""Gradients of a graph while it is traced: each operation says its own, in as few operations as its kernels need.

TensorFlow's tape gives every operation a gradient that works for all shapes and broadcasts, which costs more operations
than the gradient itself; they all are traced and optimised before the first step. What is recorded here has its
gradient beside it, in the form of `tf.custom_gradient`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import tensorflow as tf

Backward = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]
"""The gradients with respect to each input, from the gradient with respect to the output."""

Differentiable = Callable[..., tuple[tf.Tensor, Backward]]
"""A function of tensors that gives its output and its gradient, as `tf.custom_gradient` takes it."""


class Recorder:
    """Keeps the functions that were applied, and gives the gradients of what they were applied to."""

    def __init__(self) -> None:
        self._applied: list[tuple[tf.Tensor, tuple[tf.Tensor, ...], Backward]] = []

    def apply(self, function: Differentiable, *inputs: tf.Tensor) -> tf.Tensor:
        """The output of a function of these tensors."""
        y, backward = function(*inputs)
        self._applied.append((y, inputs, backward))
        return y

    def gradients(
        self, upstream: Iterable[tuple[tf.Tensor, tf.Tensor]], sources: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """The gradients with respect to `sources`, from pairs of an output and the gradient with respect to it.

        A source that no output depends on is left out.
        """
        # Tensors are told apart as objects, which the recorder keeps alive.
        found: dict[int, list[tf.Tensor]] = defaultdict(list)
        for y, gradient in upstream:
            found[id(y)].append(gradient)
        for y, inputs, backward in reversed(self._applied):
            parts = found.pop(id(y), None)
            if parts is not None:
                for each, gradient in zip(inputs, backward(_sum(parts)), strict=True):
                    if gradient is not None:
                        found[id(each)].append(gradient)
        return {name: _sum(found[id(each)]) for name, each in sources.items() if id(each) in found}


def by_tape(function: Callable[..., tf.Tensor]) -> Differentiable:
    """A function of tensors with the gradient that TensorFlow has for it."""

    def differentiable(*inputs: tf.Tensor) -> tuple[tf.Tensor, Backward]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = function(*inputs)
        return y, lambda upstream: tuple(tape.gradient(y, inputs, upstream))

    return differentiable


def _sum(parts: list[tf.Tensor]) -> tf.Tensor:
    return parts[0] if len(parts) == 1 else tf.raw_ops.AddN(inputs=parts)
