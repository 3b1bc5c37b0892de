"""A trainee without TensorFlow: noisy gradient descent on a quadratic, with metrics that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class SmallTrainee:
    """Its evaluation after `n` steps gives `metrics[n - 1]`; its loss at step `bad_step` is not finite."""

    main_metric = "ap"

    def __init__(self, metrics: Sequence[float], bad_step: int | None = None) -> None:
        self._metrics, self._bad_step = metrics, bad_step
        self._weights = np.array([3.0, -2.0])
        self._steps_done = 0

    @property
    def steps_done(self) -> int:
        return self._steps_done

    def train_step(self, step: int, learning_rate: float) -> dict[str, float]:
        assert step == self._steps_done
        noise = np.random.default_rng(step).normal(size=2)
        loss = float(self._weights @ self._weights)
        self._weights = self._weights - learning_rate * (2 * self._weights + noise)
        self._steps_done = step + 1
        return {"loss": float("nan") if step == self._bad_step else loss, "half": loss / 2}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        return {"weights": self._weights, "steps_done": np.array(self._steps_done)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        self._weights, self._steps_done = state["weights"], int(state["steps_done"])

    def evaluate(self) -> dict[str, float | None]:
        return {"ap": self._metrics[self._steps_done - 1], "other": None}

    def save(self, directory: Path, figures: Mapping[str, float | None] | None) -> None:
        document = {"figures": figures and dict(figures), "weights": self._weights.tolist(), "step": self._steps_done}
        (directory / "model.json").write_text(json.dumps(document), encoding="utf-8")
