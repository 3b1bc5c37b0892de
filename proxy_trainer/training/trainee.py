"""What a training run trains: the protocol between the loop and the tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt


class Trainee(Protocol):
    """What a training run trains: a network with its data, losses and metrics."""

    main_metric: str
    """The metric, higher is better, by which the best checkpoint is chosen, such as "ap"."""

    @property
    def steps_done(self) -> int:
        """The training steps done so far, those before an interruption included."""
        ...

    def train_step(self, step: int, learning_rate: float) -> dict[str, float]:
        """Trains step `step` (from 0); returns the terms of the loss, of which "loss" is the total."""
        ...

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Everything that the next step depends on, as arrays by name."""
        ...

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Continues from a `state`, with the same results as without the interruption.

        Raises ValueError, and changes nothing, for a state of another network.
        """
        ...

    def evaluate(self) -> dict[str, float | None]:
        """The metrics on the held-out images; None for one that these images do not define, never `main_metric`."""
        ...

    def save(self, directory: Path, figures: Mapping[str, float | None] | None) -> None:
        """Writes a model directory with these figures of its weights, None where they are not measured.

        Raises OSError.
        """
        ...
