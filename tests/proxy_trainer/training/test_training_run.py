"""The loop of a training run: the best evaluation, interruptions, what a directory has, and what is refused."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import tensorflow as tf

from proxy_trainer.errors import NonFiniteLossError
from proxy_trainer.training.course import Course
from proxy_trainer.training.training_run import RunProgress, RunResult, TrainingRun
from search_space.errors import InvalidValueError
from search_space.run_files import run_model
from tests.support.processes import run_function
from tests.support.small_trainee import SmallTrainee

APS = (0.0, 0.1, 0.0, 0.3, 0.0, 0.3, 0.0, 0.2)
IDENTITY: dict[str, Any] = {"seed": 1, "data": "ab", "task": {"steps": len(APS)}}


def _rate(step: int) -> float:
    return 0.1 / (step + 1)


def _run(out: Path, trainee: SmallTrainee, seconds: float = 300.0, identity: dict[str, Any] = IDENTITY) -> TrainingRun:
    course = Course(len(APS), 4.0, _rate, evaluate_steps=2, checkpoint_seconds=seconds)
    return TrainingRun(trainee, course, out, identity=identity, description={"name": "small"})


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _history(out: Path) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert _run(out, SmallTrainee(APS)).run().is_complete
    return out


def test_the_best_is_the_highest_main_metric_and_of_equal_ones_the_earlier(whole: Path) -> None:
    assert _json(whole / "best" / "model.json")["step"] == 4
    assert _json(whole / "best" / "model.json")["figures"] == {"ap": 0.3, "other": None}
    assert _json(whole / "last" / "model.json")["step"] == len(APS)
    description = _json(whole / "run.json")
    assert description["best"] == {"step": 4, "epoch": 1.0, "figures": {"ap": 0.3, "other": None}}
    assert (description["state"], description["steps_done"], description["epoch"]) == ("complete", len(APS), 2.0)
    assert description["seconds"] == description["train_seconds"] + description["evaluate_seconds"] > 0


def test_the_history_has_losses_rates_and_metrics(whole: Path) -> None:
    rows = _history(whole)
    assert [row["step"] for row in rows] == list(range(1, len(APS) + 1))
    assert [row["learning_rate"] for row in rows] == [_rate(step) for step in range(len(APS))]
    assert rows[0]["losses"] == {"loss": 13.0, "half": 6.5}
    assert [row["metrics"]["ap"] for row in rows if "metrics" in row] == [0.1, 0.3, 0.3, 0.2]


def test_an_interruption_at_any_step_changes_nothing(whole: Path, tmp_path: Path) -> None:
    for stop in range(1, len(APS)):
        out = tmp_path / str(stop)

        def end(now: RunProgress, stop: int = stop) -> None:
            if now.step == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            _run(out, SmallTrainee(APS)).run(end)
        trainee = SmallTrainee(APS)
        assert _run(out, trainee).run().is_complete
        assert _history(out) == _history(whole)
        for name in ("best", "last"):
            assert _json(out / name / "model.json") == _json(whole / name / "model.json")


def test_a_stop_is_saved_at_its_step_and_continued_there(whole: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    stopped = _run(tmp_path, SmallTrainee(APS)).run(lambda now: steps.append(now.step), lambda: len(steps) >= 2)
    assert (stopped.is_complete, stopped.steps_done) == (False, 3)
    assert _json(tmp_path / "run.json")["state"] == "stopped"
    result = _run(tmp_path, SmallTrainee(APS)).run(lambda now: steps.append(now.step))
    assert result.is_complete
    assert steps == list(range(1, len(APS) + 1))
    assert _history(tmp_path) == _history(whole)
    assert result.state.started_at == stopped.state.started_at
    assert result.state.train_seconds > stopped.state.train_seconds
    again = _run(tmp_path, SmallTrainee(APS)).run(lambda now: steps.append(now.step))
    assert (again.is_complete, len(steps)) == (True, len(APS))


def test_a_run_has_a_model_from_its_first_checkpoint_on(tmp_path: Path) -> None:
    """The last model is that of the checkpoint, with figures where it was evaluated; the best one comes first."""
    wanted: list[tuple[str, int, float | None]] = []
    found: list[tuple[str, int, float | None]] = []

    def look(now: RunProgress) -> None:
        model = run_model(tmp_path)
        assert model is not None
        document = _json(model / "model.json")
        figures = document["figures"] and document["figures"]["ap"]
        found.append((model.name, document["step"], figures))
        wanted.append(("last", 1, None) if now.best is None else ("best", now.best.step, now.best.figures["ap"]))
        last = _json(tmp_path / "last" / "model.json")
        assert (last["step"], last["figures"] is None) == (now.step, now.step % 2 == 1)

    assert run_model(tmp_path) is None
    _run(tmp_path, SmallTrainee(APS), seconds=0.0).run(look)
    assert found == wanted
    assert (found[0], found[-1]) == (("last", 1, None), ("best", 4, 0.3))


def test_a_run_that_has_just_begun_has_no_model(tmp_path: Path) -> None:
    def end(now: RunProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path, SmallTrainee(APS)).run(end)
    with pytest.raises(InvalidValueError, match=r"has no model yet; it has one after its first evaluation or after"):
        run_model(tmp_path)


def run_and_kill(out: str) -> None:
    """In a child: trains with a checkpoint after each step, and is killed after the fifth."""

    def kill(now: RunProgress) -> None:
        if now.step == 5:
            os.kill(os.getpid(), signal.SIGKILL)

    _run(Path(out), SmallTrainee(APS), seconds=0.0).run(kill)


def test_sigkill_changes_nothing(whole: Path, tmp_path: Path) -> None:
    assert run_function(run_and_kill, tmp_path).returncode == -signal.SIGKILL
    trainee, steps = SmallTrainee(APS), list[int]()
    _run(tmp_path, trainee).run(lambda now: steps.append(now.step))
    assert steps == [6, 7, 8]
    assert _history(tmp_path) == _history(whole)
    np.testing.assert_array_equal(trainee.state()["weights"], _json(whole / "last" / "model.json")["weights"])


def run_and_kill_between_renames(out: str) -> None:
    """In a child: trains, and is killed when the better best model is about to take the place of the first."""
    rename, renamed = Path.rename, list[str]()

    def kill(self: Path, target: Path) -> Path:
        renamed.append(Path(target).name)
        if renamed.count("best") == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    with patch.object(Path, "rename", kill):
        _run(Path(out), SmallTrainee(APS), seconds=0.0).run()


def test_the_best_model_survives_a_kill_while_it_is_replaced(whole: Path, tmp_path: Path) -> None:
    assert run_function(run_and_kill_between_renames, tmp_path).returncode == -signal.SIGKILL
    assert not (tmp_path / "best").exists()

    best_steps: list[int] = []

    class Watching(SmallTrainee):
        def train_step(self, step: int, learning_rate: float) -> dict[str, float]:
            best_steps.append(_json(tmp_path / "best" / "model.json")["step"])
            return super().train_step(step, learning_rate)

    _run(tmp_path, Watching(APS)).run()
    assert best_steps == [2, 4, 4, 4, 4]
    for name in ("best", "last"):
        assert _json(tmp_path / name / "model.json") == _json(whole / name / "model.json")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith((".best", ".last"))]


def test_event_files_have_each_step_once_after_an_interruption(tmp_path: Path) -> None:
    steps: list[int] = []
    _run(tmp_path, SmallTrainee(APS)).run(lambda now: steps.append(now.step), lambda: len(steps) >= 2)
    _run(tmp_path, SmallTrainee(APS)).run()
    (file,) = (tmp_path / "tensorboard").iterdir()
    values = Counter[tuple[str, int]]()
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        event = tf.compat.v1.Event.FromString(record)
        values.update((value.tag, event.step) for value in event.summary.value)
    assert set(values.values()) == {1}
    assert {tag for tag, _ in values} == {"learning_rate", "loss/loss", "loss/half", "metrics/ap"}
    assert sorted(step for tag, step in values if tag == "metrics/ap") == [2, 4, 6, 8]


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLossError, match=r"not finite at step 5 .*last finite loss"):
        _run(tmp_path, SmallTrainee(APS, bad_step=5)).run()
    assert _json(tmp_path / "run.json")["state"] == "failed"
    steps: list[int] = []
    _run(tmp_path, SmallTrainee(APS)).run(lambda now: steps.append(now.step))
    assert steps == [5, 6, 7, 8]


def _refusal(out: Path, identity: dict[str, Any] = IDENTITY) -> str:
    with pytest.raises(InvalidValueError) as caught:
        _run(out, SmallTrainee(APS), identity=identity).run()
    return str(caught.value)


def test_the_directory_of_another_training_is_refused(whole: Path) -> None:
    before = (whole / "checkpoint").read_bytes()
    message = _refusal(whole, {**IDENTITY, "data": "cd"})
    assert "has another training, which is not continued: its data is 'ab', and that of this training 'cd'" in message
    assert "its task.steps is 8" in _refusal(whole, {**IDENTITY, "task": {"steps": 9}})
    assert (whole / "checkpoint").read_bytes() == before


def test_a_directory_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    foreign, damaged, busy = (tmp_path / name for name in ("foreign", "damaged", "busy"))
    foreign.mkdir()
    (foreign / "photo.jpg").write_bytes(b"not ours")
    assert "has files, such as photo.jpg, but no training" in _refusal(foreign)
    _run(damaged, SmallTrainee(APS)).run()
    (damaged / "checkpoint").write_bytes((damaged / "checkpoint").read_bytes()[:-1])
    message = _refusal(damaged)
    assert f"the checkpoint {damaged / 'checkpoint'} cannot be used: its content does not match its checksum" in message
    assert "another training" not in message
    busy.mkdir()
    with open(busy / ".lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another process trains in" in _refusal(busy)


def test_the_time_left_counts_steps_and_evaluations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    class Slow(SmallTrainee):
        def train_step(self, step: int, learning_rate: float) -> dict[str, float]:
            clock[0] += 100.0 if step == 0 else 1.0
            return super().train_step(step, learning_rate)

        def evaluate(self) -> dict[str, float | None]:
            clock[0] += 10.0
            return super().evaluate()

    monkeypatch.setattr("proxy_trainer.training.training_run.time.monotonic", lambda: clock[0])
    seen: list[RunProgress] = []
    result: RunResult = _run(tmp_path, Slow(APS)).run(seen.append)
    left = [now.seconds_left for now in seen]
    assert left == [None, 6 + 30, 5 + 30, 4 + 20, 3 + 20, 2 + 10, 1 + 10, 0]
    assert (result.state.train_seconds, result.state.evaluate_seconds) == (107.0, 40.0)
