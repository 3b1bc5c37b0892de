"""Baselines: their training has the engine's losses and metrics, gives the same bits again, and learns digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search_space.task_model import load_task_model
from tests.support.small_tasks import TINY, digits_for, learn, small_trainee, trained


@pytest.mark.slow
@pytest.mark.parametrize("model", ["EfficientNet-B0-FPN", "ResNet-50-FPN", "SpineNet-49"])
def test_a_restored_training_continues_with_the_same_bits(model: str, tmp_path: Path) -> None:
    digits = digits_for("detection", tmp_path / "digits", train=8, val=4)
    trainee = small_trainee("detection", digits, tmp_path, model=model, **TINY)
    start = trainee.state()
    losses = trained(trainee)
    state = trainee.state()
    trainee.restore(start)
    assert trained(trainee) == losses
    for name, values in trainee.state().items():
        np.testing.assert_array_equal(values, state[name])
    assert losses[0]["loss"] == pytest.approx(losses[0]["classes"] + 50 * losses[0]["boxes"], rel=1e-4)
    metrics = trainee.evaluate()
    assert len(metrics) == 12
    trainee.save(tmp_path / "model", metrics)
    saved = load_task_model(tmp_path / "model")
    assert (saved.name, saved.anchor_size, saved.figures) == (model, trainee.task.anchor_size, metrics)


@pytest.mark.slow
def test_a_small_baseline_learns_digits(tmp_path: Path) -> None:
    losses, metrics = learn("detection", tmp_path)
    first, last = (np.mean([loss["loss"] for loss in part]) for part in (losses[:20], losses[-20:]))
    assert last < 0.6 * first
    assert metrics["ap"] is not None
    assert metrics["ap"] > 0.1
