"""Gradient ascent with Adam (Kingma and Ba, 2015) over one flat vector."""

from __future__ import annotations

import numpy as np

from nas_controller.search.controller.policy import Floats

_DECAY = 0.9
_SQUARED_DECAY = 0.999
_EPSILON = 1e-8


class Adam:
    """The moments of the gradient and the number of steps taken."""

    def __init__(self, size: int, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.first_moment: Floats = np.zeros(size)
        self.second_moment: Floats = np.zeros(size)
        self.steps = 0

    def ascend(self, parameters: Floats, gradient: Floats) -> Floats:
        """The parameters after one step along the gradient."""
        self.steps += 1
        self.first_moment = _DECAY * self.first_moment + (1.0 - _DECAY) * gradient
        self.second_moment = _SQUARED_DECAY * self.second_moment + (1.0 - _SQUARED_DECAY) * gradient**2
        first = self.first_moment / (1.0 - _DECAY**self.steps)
        second = self.second_moment / (1.0 - _SQUARED_DECAY**self.steps)
        return parameters + self.learning_rate * first / (np.sqrt(second) + _EPSILON)
