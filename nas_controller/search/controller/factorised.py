"""A policy with independent logits per block: the simplest policy that can learn."""

from __future__ import annotations

import numpy as np

from nas_controller.search.controller.policy import Evaluation, Floats, Indices, logit_gradients, mixed, pick, softmax


class FactorisedPolicy:
    """`parameters` are the logits [blocks, choices], flat; they start at zero, a uniform distribution."""

    def __init__(self, blocks: int, choices: int) -> None:
        self._shape = (blocks, choices)
        self.parameters: Floats = np.zeros(blocks * choices)

    def sample(self, uniforms: Floats, exploration: float = 0.0) -> tuple[Indices, Floats]:
        """Choices [batch, blocks] and their log-probabilities [batch], from uniform numbers [batch, blocks]; each
        choice is uniformly random with the probability `exploration`.
        """
        probabilities, log_probabilities = mixed(*softmax(self._logits()), exploration)
        choices = np.stack(
            [
                pick(np.broadcast_to(p, (len(uniforms), len(p))), column)
                for p, column in zip(probabilities, uniforms.T, strict=True)
            ],
            axis=1,
        )
        blocks = np.arange(self._shape[0])
        return choices, log_probabilities[blocks, choices].sum(axis=1)

    def evaluate(self, choices: Indices) -> Evaluation:
        """The evaluation of one sequence of choices [blocks]."""
        probabilities, log_probabilities = softmax(self._logits())
        log_gradient, entropy_gradient = (np.zeros(self._shape) for _ in range(2))
        for block, choice in enumerate(choices):
            log_gradient[block], entropy_gradient[block] = logit_gradients(
                int(choice), probabilities[block], log_probabilities[block]
            )
        return Evaluation(
            float(log_probabilities[np.arange(self._shape[0]), choices].sum()),
            log_gradient.ravel(),
            entropy_gradient.ravel(),
        )

    def marginals(self) -> Floats:
        """The probabilities [blocks, choices]."""
        return softmax(self._logits())[0]

    def _logits(self) -> Floats:
        return self.parameters.reshape(self._shape)
