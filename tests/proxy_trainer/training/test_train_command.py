"""`effspine train`, `evaluate` and `predict` one after another, as a person calls them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from proxy_trainer.data.digits import make_digits
from proxy_trainer.engine.engine import Engine
from proxy_trainer.inference_commands import evaluate_app, predict_app
from proxy_trainer.train_command import train_app
from search_space.errors import InvalidValueError
from tests.support.processes import THREADS
from tests.support.small_trainings import TINY_FIELDS, as_arguments

MODEL = "Eff-SpineNet-D0"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tiny") / "tiny"
    make_digits(directory, train=14, val=6)
    return directory


@pytest.fixture(autouse=True)
def _data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(tmp_path / "data"))


def _train(data: Path, out: Path, *arguments: object, model: str = MODEL) -> Result:
    fixed = (model, "--data", data, "--out", out, "--recipe", "laptop-final", "--threads", THREADS)
    changes = as_arguments({**TINY_FIELDS, "epochs": 1})
    return CliRunner().invoke(train_app, [*map(str, fixed), *changes, *map(str, arguments)])


def test_train_then_evaluate_then_predict(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = _train(data, out, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["is_complete"], document["steps_done"], document["main_metric"]) == (True, 4, "ap")
    assert document["best"]["figures"] == document["last"]["figures"]
    assert "step 4 of 4: " in result.stderr
    options = ["--data", str(data), "--threads", str(THREADS)]
    evaluated = CliRunner().invoke(evaluate_app, [str(out / "best"), *options, "--json"])
    found = json.loads(evaluated.stdout)
    assert (found["figures"], found["is_held_out"]) == (document["best"]["figures"], True)
    printed = CliRunner().invoke(evaluate_app, [str(out / "best"), *options]).stdout
    assert "those of the model's figures" in printed
    assert "digit" in printed
    image = next((data / "val").iterdir())
    arguments = [str(image), "--model", str(out / "best"), "--threads", str(THREADS), "--score", "0", "--json"]
    (prediction,) = json.loads(CliRunner().invoke(predict_app, arguments).stdout)
    assert {each["name"] for each in prediction["detections"]} == {"digit"}
    again = _train(data, out)
    assert again.exit_code == 0
    assert "best after epoch 1.1, in " in again.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_ends_with_its_status_and_the_same_command_continues(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, status: int
) -> None:
    trained: list[int] = []
    train_step = Engine.train_step

    def signalled(engine: Engine, batch: Any, learning_rate: float, path_seed: tuple[int, int]) -> Any:
        if path_seed[1] == 1 and not trained[1:]:
            os.kill(os.getpid(), number)
        trained.append(path_seed[1])
        return train_step(engine, batch, learning_rate, path_seed)

    monkeypatch.setattr(Engine, "train_step", signalled)
    before = signal.getsignal(number)
    stopped = _train(data, tmp_path / "run")
    assert stopped.exit_code == status
    assert "stopped after step 2 of 4; the same command continues" in stopped.stdout
    assert "saving after this step" in stopped.stderr
    assert signal.getsignal(number) == before
    assert _train(data, tmp_path / "run").exit_code == 0
    assert trained == [0, 1, 2, 3]


def test_wrong_options_are_named(data: Path, tmp_path: Path) -> None:
    for arguments, model, message in (
        (("--set", "epochs=0"), MODEL, "epochs is 0; it must be a whole number"),
        (("--set", "epochs"), MODEL, "'epochs' does not set a field"),
        (("--task", "poses"), MODEL, "task is 'poses'; it must be one of detection"),
        (("--start", "nowhere"), MODEL, "start is 'nowhere'; it must be fresh, shared or a model directory"),
        ((), "16,24", "widths has 2 values"),
    ):
        error = _train(data, tmp_path / "run", *arguments, model=model).exception
        assert isinstance(error, InvalidValueError)
        assert message in str(error)
    assert not (tmp_path / "run").exists()
