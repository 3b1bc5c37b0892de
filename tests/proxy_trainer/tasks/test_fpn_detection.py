"""Baselines: their training has the engine's losses and metrics, gives the same bits again, and learns digits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_space.task_model import load_task_model
from tests.support.paths import ROOT
from tests.support.processes import THREADS
from tests.support.small_tasks import TINY, digits_for, small_trainee, trained
from tests.support.small_trainings import as_arguments

BASELINES = ("EfficientNet-B0-FPN", "ResNet-50-FPN", "SpineNet-49")

DIGITS: dict[str, Any] = {"train": 360, "val": 40, "image_px": 96, "object_px": (40.0, 105.0)}
FIELDS = {
    "image_px": 64,
    "subnet_layers": 1,
    "learning_rate": 0.03,
    "warmup_steps": 25,
    "epochs": 24,
    "evaluate_epochs": 0,
    "ema_decay": 0.95,
}
CHANCE = 0.02
"""AP50 of SpineNet-49 after an epoch at a learning rate of 1e-6, which teaches nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("model", BASELINES)
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


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digits_for("detection", tmp_path_factory.mktemp("data") / "digits", **DIGITS)


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("model", BASELINES)
def test_effspine_train_teaches_a_baseline_to_find_digits(model: str, digits: Path, tmp_path: Path) -> None:
    """The command itself, in a process of its own; one to two minutes on two free cores."""
    out = tmp_path / "run"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "api.cli.main", "train", model, "--data", str(digits), "--out", str(out)),
            *("--recipe", "laptop-final", "--seed", "3", "--threads", str(THREADS), "--json", *as_arguments(FIELDS)),
        ],
        cwd=ROOT,
        env={**os.environ, "EFFSPINE_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    found = json.loads(done.stdout)
    assert (found["is_complete"], found["steps_done"], found["main_metric"]) == (True, 1080, "ap")
    saved = load_task_model(out / "best")
    assert (saved.name, saved.figures) == (model, found["best"]["figures"])
    assert found["best"]["figures"]["ap50"] > 10 * CHANCE
