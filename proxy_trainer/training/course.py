"""The course of a training: its steps, learning rates and evaluations, and the time that they take."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

CHECKPOINT_SECONDS = 300.0
LOGGED_ROWS = 2000
"""A course logs about this many steps."""


@dataclass(frozen=True)
class Course:
    """The steps of a training, the learning rate of each (from 0), and how often the trainee is evaluated.

    `evaluate_steps` is 0 for an evaluation at the end only. A checkpoint is written with every evaluation, and when the
    last one is `checkpoint_seconds` old.
    """

    steps: int
    steps_per_epoch: float
    learning_rate_at: Callable[[int], float]
    evaluate_steps: int = 0
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    @property
    def log_steps(self) -> int:
        """Every this many steps there is a row of the history."""
        return max(1, self.steps // LOGGED_ROWS)

    def is_evaluated(self, step: int) -> bool:
        """Whether there is an evaluation after `step` steps."""
        return step == self.steps or (self.evaluate_steps > 0 and step % self.evaluate_steps == 0)

    def evaluations_after(self, step: int) -> int:
        """The evaluations to come after `step` steps."""
        every = self.evaluate_steps or self.steps
        return math.ceil(self.steps / every) - step // every


class StepRate:
    """The seconds of steps and evaluations of this process, from which the time left follows.

    The first step traces the graph and is left out.
    """

    def __init__(self) -> None:
        self._steps: list[float] = [0.0, 0.0]
        self._evaluations: list[float] = [0.0, 0.0]
        self._is_first = True

    def add(self, seconds: float) -> None:
        """Counts a step."""
        if not self._is_first:
            self._steps = [self._steps[0] + 1, self._steps[1] + seconds]
        self._is_first = False

    def add_evaluation(self, seconds: float) -> None:
        """Counts an evaluation."""
        self._evaluations = [self._evaluations[0] + 1, self._evaluations[1] + seconds]

    def seconds_left(self, steps: int, evaluations: int) -> float | None:
        """The time for so many steps and evaluations; None while no step has been measured."""
        if not self._steps[0]:
            return None
        of_evaluations = evaluations * self._evaluations[1] / max(1.0, self._evaluations[0])
        return steps * self._steps[1] / self._steps[0] + of_evaluations
