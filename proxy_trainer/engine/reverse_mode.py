"""Reverse-mode differentiation while a graph is traced: each kernel has a hand-written gradient.

TensorFlow's tape builds gradients that work for all shapes and broadcasts, which costs more operations than the
gradients themselves; all of them are traced and optimised before the first step. Functions recorded here have their
gradient beside them, in the form of `tf.custom_gradient`.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

Backward = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]
"""The gradients with respect to each input, from the gradient with respect to the output."""

Differentiable = Callable[..., tuple[tf.Tensor, Backward]]
"""A function of tensors that gives its output and its gradient, as `tf.custom_gradient` takes it."""


class _Applied(NamedTuple):
    inputs: tuple[tf.Tensor, ...]
    backward: Backward


class Recorder:
    """Keeps the functions that were applied, and gives the gradients of what they were applied to."""

    def __init__(self) -> None:
        self._made: dict[int, _Applied] = {}
        self._outputs: list[tf.Tensor] = []

    def apply(self, function: Differentiable, *inputs: tf.Tensor) -> tf.Tensor:
        """The output of a function of these tensors, which is none of them."""
        y, backward = function(*inputs)
        # Tensors are identified by id(), so they must live as long as the recorder.
        self._outputs.append(y)
        self._made[id(y)] = _Applied(inputs, backward)
        return y

    def gradients(
        self, upstream: Sequence[tuple[tf.Tensor, tf.Tensor]], sources: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """The gradients with respect to `sources`, from pairs of an output and the gradient with respect to it.

        A source that no output depends on is left out. What a tensor gets from several sides is added in the order in
        which TensorFlow's tape would: breadth first.
        """
        found: dict[int, list[tf.Tensor]] = defaultdict(list)
        for y, gradient in upstream:
            found[id(y)].append(gradient)
        ready = deque(id(y) for y, _ in upstream)
        missing = self._uses(ready)
        while ready:
            y = ready.popleft()
            inputs, backward = self._made[y]
            for each, gradient in zip(map(id, inputs), backward(_sum(found.pop(y))), strict=True):
                if gradient is not None:
                    found[each].append(gradient)
                missing[each] -= 1
                if not missing[each] and each in self._made:
                    ready.append(each)
        return {name: _sum(found[id(each)]) for name, each in sources.items() if id(each) in found}

    def _uses(self, outputs: Iterable[int]) -> Counter[int]:
        """How often each tensor is used on the way to these."""
        uses: Counter[int] = Counter()
        left = list(outputs)
        seen = set(left)
        while left:
            inputs = [id(each) for each in self._made[left.pop()].inputs]
            uses.update(inputs)
            new = {each for each in inputs if each in self._made} - seen
            seen |= new
            left += new
        return uses


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
