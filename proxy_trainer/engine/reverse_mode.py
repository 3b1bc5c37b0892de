"""Reverse-mode differentiation while a graph is traced, with a hand-written gradient for each operation.

`tf.GradientTape` builds gradients for arbitrary shapes and broadcasting. That takes more operations than the gradients
themselves, and all of them are traced and optimised before the first step. The functions recorded here return their
gradient function, in the form of `tf.custom_gradient`.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

Backward = Callable[[tf.Tensor], tuple[tf.Tensor | None, ...]]
"""Maps the gradient with respect to the output to the gradients with respect to each input, or None for a constant."""

Differentiable = Callable[..., tuple[tf.Tensor, Backward]]
"""A function of tensors that returns its output and its gradient function, as `tf.custom_gradient` expects."""


class _Call(NamedTuple):
    inputs: tuple[tf.Tensor, ...]
    backward: Backward


class Recorder:
    """Records calls of differentiable functions and computes gradients through them."""

    def __init__(self) -> None:
        self._calls: dict[int, _Call] = {}
        self._outputs: list[tf.Tensor] = []

    def apply(self, function: Differentiable, *inputs: tf.Tensor) -> tf.Tensor:
        """Calls the function and records the call; its output must not be one of its inputs."""
        y, backward = function(*inputs)
        # Calls are found by the id() of their output, so outputs must live as long as the recorder.
        self._outputs.append(y)
        self._calls[id(y)] = _Call(inputs, backward)
        return y

    def gradients(
        self, upstream: Sequence[tuple[tf.Tensor, tf.Tensor]], sources: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """The gradients with respect to `sources`, from pairs of an output and the gradient with respect to it.

        Sources that no output depends on are left out. Contributions to a tensor are summed in breadth-first order, as
        in `tf.GradientTape`.
        """
        contributions: dict[int, list[tf.Tensor]] = defaultdict(list)
        for y, gradient in upstream:
            contributions[id(y)].append(gradient)
        ready = deque(id(y) for y, _ in upstream)
        pending = self._count_uses(ready)
        while ready:
            y = ready.popleft()
            inputs, backward = self._calls[y]
            for each, gradient in zip(map(id, inputs), backward(_sum(contributions.pop(y))), strict=True):
                if gradient is not None:
                    contributions[each].append(gradient)
                pending[each] -= 1
                if not pending[each] and each in self._calls:
                    ready.append(each)
        return {name: _sum(contributions[id(each)]) for name, each in sources.items() if id(each) in contributions}

    def _count_uses(self, outputs: Iterable[int]) -> Counter[int]:
        """How often each tensor is an input of a call that the outputs depend on."""
        uses: Counter[int] = Counter()
        stack = list(outputs)
        visited = set(stack)
        while stack:
            inputs = [id(each) for each in self._calls[stack.pop()].inputs]
            uses.update(inputs)
            new = {each for each in inputs if each in self._calls} - visited
            visited |= new
            stack += new
        return uses


def by_tape(function: Callable[..., tf.Tensor]) -> Differentiable:
    """A function of tensors with the gradient of `tf.GradientTape`."""

    def differentiable(*inputs: tf.Tensor) -> tuple[tf.Tensor, Backward]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            y = function(*inputs)
        return y, lambda upstream: tuple(tape.gradient(y, inputs, upstream))

    return differentiable


def _sum(parts: list[tf.Tensor]) -> tf.Tensor:
    return parts[0] if len(parts) == 1 else tf.raw_ops.AddN(inputs=parts)
