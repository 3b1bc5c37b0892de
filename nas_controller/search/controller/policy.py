"""The interface of a policy over the blocks' choices, and functions that the policies share.

A policy owns one flat vector of parameters, so the optimiser and the saved state do not depend on its shape. Products
use `numpy.einsum`, which never calls a BLAS: it sums in a fixed order on one thread, so a replay gives the same bits
for any number of threads.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


class Evaluation(NamedTuple):
    """A sequence of choices under the current parameters.

    `log_probability` of the whole sequence, and the gradients, with respect to the flat parameters, of it and of the
    entropy summed over the blocks, each given the previous choices.
    """

    log_probability: float
    log_probability_gradient: Floats
    entropy_gradient: Floats


class Policy(Protocol):
    """A distribution over sequences of choices, one per block."""

    parameters: Floats

    def sample(self, uniforms: Floats, exploration: float = 0.0) -> tuple[Indices, Floats]:
        """Choices [batch, blocks] and their log-probabilities [batch], from uniform numbers [batch, blocks].

        Each choice is uniformly random with the probability `exploration`, which the log-probabilities account for.
        """
        ...

    def evaluate(self, choices: Indices) -> Evaluation:
        """The evaluation of one sequence of choices [blocks]."""
        ...

    def marginals(self) -> Floats:
        """The marginal probability [blocks, choices] of each choice of each block."""
        ...


def softmax(logits: Floats) -> tuple[Floats, Floats]:
    """Probabilities and log-probabilities over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return np.exp(log_probabilities), log_probabilities


def mixed(probabilities: Floats, log_probabilities: Floats, exploration: float) -> tuple[Floats, Floats]:
    """The probabilities and log-probabilities of the mixture with a uniform distribution of weight `exploration`."""
    if exploration == 0.0:
        return probabilities, log_probabilities
    mixture = (1.0 - exploration) * probabilities + exploration / probabilities.shape[-1]
    return mixture, np.log(mixture)


def pick(probabilities: Floats, uniforms: Floats) -> Indices:
    """Indices [batch] drawn from probabilities [batch, choices] by inverting their cumulative sum."""
    below = np.cumsum(probabilities, axis=-1)[:, :-1] <= uniforms[:, None]
    return np.asarray(below.sum(axis=-1), np.int64)


def logit_gradients(choice: int, probabilities: Floats, log_probabilities: Floats) -> tuple[Floats, Floats]:
    """Gradients [choices] of one choice's log-probability, and of the entropy, with respect to the logits."""
    log_gradient = -probabilities
    log_gradient[choice] += 1.0
    entropy = -(probabilities * log_probabilities).sum()
    return log_gradient, -probabilities * (log_probabilities + entropy)
