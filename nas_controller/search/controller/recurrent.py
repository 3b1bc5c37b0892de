"""An autoregressive policy: an LSTM chooses a multiplier block by block, with its last choice as input.

It follows the controller of Zoph and Le, "Neural Architecture Search with Reinforcement Learning" (section 3.2), which
section 3.3 of the paper adopts: each block has its own softmax, and its sample is the input of the next step. One LSTM
layer; weights are initialised uniformly in +-0.08, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nas_controller.search.controller.policy import Evaluation, Floats, Indices, logit_gradients, mixed, pick, softmax

EMBEDDING_UNITS = 8
_INITIAL_RANGE = 0.08
_MARGINAL_SAMPLES = 256
_MARGINAL_SEED = 18

# Maps a block and its probabilities [batch, choices] to its choices [batch].
_Choose = Callable[[int, Floats], Indices]
# Maps rows [batch, in] and weights [out, in] to [batch, out].
_Product = Callable[[Floats, Floats], Floats]


def _repeatable_product(rows: Floats, weights: Floats) -> Floats:
    product: Floats = np.einsum("bj,ij->bi", rows, weights)
    return product


def _fast_product(rows: Floats, weights: Floats) -> Floats:
    product: Floats = rows @ weights.T
    return product


class _Weights(NamedTuple):
    """Views into a flat vector: the network's weights, or their gradients."""

    embedding: Floats  # [choices + 1, embedding]; the last row starts the sequence
    gates: Floats  # [4 hidden, embedding + hidden]; input, forget, output, candidate
    gates_bias: Floats  # [4 hidden]
    head: Floats  # [blocks, choices, hidden]
    head_bias: Floats  # [blocks, choices]


class _Step(NamedTuple):
    """The values of one step that back-propagation needs; all [batch, ...]."""

    source: Indices
    inputs: Floats
    gates: Floats  # after the sigmoids and tanh
    previous_cell: Floats
    cell_tanh: Floats
    hidden: Floats
    probabilities: Floats
    log_probabilities: Floats


class RecurrentPolicy:
    """An LSTM of `hidden` units over `blocks` steps, each with a softmax over `choices`."""

    def __init__(self, blocks: int, choices: int, hidden: int, rng: np.random.Generator) -> None:
        self._blocks, self._choices, self._hidden = blocks, choices, hidden
        self._shapes = (
            (choices + 1, EMBEDDING_UNITS),
            (4 * hidden, EMBEDDING_UNITS + hidden),
            (4 * hidden,),
            (blocks, choices, hidden),
            (blocks, choices),
        )
        size = sum(int(np.prod(shape)) for shape in self._shapes)
        self.parameters: Floats = rng.uniform(-_INITIAL_RANGE, _INITIAL_RANGE, size)
        weights = self._weights(self.parameters)
        weights.gates_bias[:] = 0.0
        weights.gates_bias[hidden : 2 * hidden] = 1.0  # the forget gates start open
        weights.head_bias[:] = 0.0

    def sample(self, uniforms: Floats, exploration: float = 0.0) -> tuple[Indices, Floats]:
        """Choices [batch, blocks] and their log-probabilities [batch], from uniform numbers [batch, blocks]; each
        choice is uniformly random with the probability `exploration`.
        """
        choices, steps = self._unroll(
            len(uniforms), lambda block, p: pick(mixed(p, p, exploration)[0], uniforms[:, block])
        )
        return choices, _log_probabilities(choices, steps, exploration)

    def evaluate(self, choices: Indices) -> Evaluation:
        """The evaluation of one sequence of choices [blocks], by back-propagation through time."""
        _, steps = self._unroll(1, lambda block, _: choices[block : block + 1])
        log_gradient, entropy_gradient = self._backward(choices, steps)
        return Evaluation(float(_log_probabilities(choices[None, :], steps)[0]), log_gradient, entropy_gradient)

    def marginals(self) -> Floats:
        """The probability [blocks, choices] of each choice, by averaging over sampled sequences.

        The samples have a fixed seed, independent of the proposals. They are a Latin hypercube (one sample in each of
        as many equal parts of every block's uniform numbers), so fewer are needed. The result is only displayed, so
        single precision and BLAS are good enough.
        """
        rng = np.random.default_rng(_MARGINAL_SEED)
        parts = rng.permuted(np.tile(np.arange(_MARGINAL_SAMPLES)[:, None], self._blocks), axis=0)
        uniforms = (parts + rng.random(parts.shape)) / _MARGINAL_SAMPLES
        weights = self._weights(self.parameters.astype(np.float32))
        _, steps = self._unroll(len(uniforms), lambda block, p: pick(p, uniforms[:, block]), weights, _fast_product)
        means = np.stack([step.probabilities.mean(axis=0, dtype=np.float64) for step in steps])
        return np.asarray(means / means.sum(axis=1, keepdims=True), np.float64)

    def _weights(self, flat: Floats) -> _Weights:
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        parts = np.split(flat, ends[:-1])
        return _Weights(*(part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)))

    def _unroll(
        self, batch: int, choose: _Choose, weights: _Weights | None = None, product: _Product = _repeatable_product
    ) -> tuple[Indices, list[_Step]]:
        """Runs all blocks; `choose` gives each block's choices [batch]. Returns choices [batch, blocks]."""
        weights, size = weights or self._weights(self.parameters), self._hidden
        chosen = np.zeros((batch, self._blocks), np.int64)
        source = np.full(batch, self._choices, np.int64)
        hidden, cell = (np.zeros((batch, size), weights.gates.dtype) for _ in range(2))
        steps = []
        for block in range(self._blocks):
            inputs = np.concatenate([weights.embedding[source], hidden], axis=1)
            raw = product(inputs, weights.gates) + weights.gates_bias
            gates = np.concatenate([_sigmoid(raw[:, : 3 * size]), np.tanh(raw[:, 3 * size :])], axis=1)
            input_gate, forget_gate, output_gate, candidate = np.split(gates, 4, axis=1)
            previous_cell, cell = cell, forget_gate * cell + input_gate * candidate
            cell_tanh = np.tanh(cell)
            hidden = output_gate * cell_tanh
            logits = product(hidden, weights.head[block]) + weights.head_bias[block]
            probabilities, logs = softmax(logits)
            steps.append(_Step(source, inputs, gates, previous_cell, cell_tanh, hidden, probabilities, logs))
            source = choose(block, probabilities)
            chosen[:, block] = source
        return chosen, steps

    def _backward(self, choices: Indices, steps: list[_Step]) -> tuple[Floats, Floats]:
        """Gradients of the log-probability and of the entropy of one sequence, in one pass as a batch of two."""
        size = self._hidden
        weights = self._weights(self.parameters)
        flat = np.zeros((2, self.parameters.size))
        gradients = [self._weights(row) for row in flat]
        to_hidden, to_cell = np.zeros((2, size)), np.zeros((2, size))
        for block in reversed(range(self._blocks)):
            step = steps[block]
            to_logits = np.stack(logit_gradients(int(choices[block]), step.probabilities[0], step.log_probabilities[0]))
            to_hidden = to_hidden + np.einsum("gi,ij->gj", to_logits, weights.head[block])
            input_gate, forget_gate, output_gate, candidate = np.split(step.gates[0], 4)
            to_cell = to_cell + to_hidden * output_gate * (1.0 - step.cell_tanh[0] ** 2)
            to_raw = np.concatenate(
                [
                    to_cell * candidate * input_gate * (1.0 - input_gate),
                    to_cell * step.previous_cell[0] * forget_gate * (1.0 - forget_gate),
                    to_hidden * step.cell_tanh[0] * output_gate * (1.0 - output_gate),
                    to_cell * input_gate * (1.0 - candidate**2),
                ],
                axis=1,
            )
            to_inputs = np.einsum("gi,ij->gj", to_raw, weights.gates)
            for gradient, logit, raw, inputs in zip(gradients, to_logits, to_raw, to_inputs, strict=True):
                gradient.head[block] = np.outer(logit, step.hidden[0])
                gradient.head_bias[block] = logit
                gradient.gates[...] += np.outer(raw, step.inputs[0])
                gradient.gates_bias[...] += raw
                gradient.embedding[step.source[0]] += inputs[:EMBEDDING_UNITS]
            to_hidden, to_cell = to_inputs[:, EMBEDDING_UNITS:], to_cell * forget_gate
        return flat[0], flat[1]


def _log_probabilities(choices: Indices, steps: list[_Step], exploration: float = 0.0) -> Floats:
    rows = np.arange(len(choices))
    total = np.zeros(len(choices))
    for block, step in enumerate(steps):
        _, log_probabilities = mixed(step.probabilities, step.log_probabilities, exploration)
        total = total + log_probabilities[rows, choices[:, block]]
    return total


def _sigmoid(values: Floats) -> Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * values))
