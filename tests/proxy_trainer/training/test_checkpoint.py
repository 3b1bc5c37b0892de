"""Interrupted trials resume from their checkpoint, also with the command."""

from __future__ import annotations

import errno
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from proxy_trainer.commands import proxy_app
from proxy_trainer.engine.engine import Engine
from proxy_trainer.errors import NonFiniteLossError
from proxy_trainer.training.checkpoint import CheckpointFile, trial_identity
from proxy_trainer.training.proxy_worker import Metrics, ProxyWorker
from proxy_trainer.training.trial_run import Progress
from search_space.errors import InvalidValueError
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from tests.support.engine_tasks import assert_same
from tests.support.processes import THREADS
from tests.support.proxy_tasks import SMOKE

SEED = 1
TASK = replace(SMOKE, steps=6, checkpoint_steps=4, warmup_steps=2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def worker(odd: Path, cache: Path) -> ProxyWorker:
    """A worker for tests of checkpoint files."""
    return ProxyWorker(TASK, odd, cache, SEED, THREADS)


def _without_seconds(metrics: Metrics) -> Metrics:
    return {name: value for name, value in metrics.items() if not name.endswith("seconds")}


def _steps_in(path: Path, worker: ProxyWorker) -> int:
    """The steps in the checkpoint of D0 at the path."""
    found = CheckpointFile(path, trial_identity(EFF_SPINENET_D0, worker._task, SEED, worker.identity.sha256)).load()
    assert found is not None
    return found.state.steps_done


def test_a_report_that_raises_stops_the_trial_and_the_next_call_resumes_it(
    worker: ProxyWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep" / "trial.checkpoint"
    monkeypatch.setattr("proxy_trainer.training.rate_limit.PROGRESS_SECONDS", 0.0)

    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run(EFF_SPINENET_D0, stop, checkpoint=path)
    assert _steps_in(path, worker) == 4
    interrupted = worker.run(EFF_SPINENET_D0, checkpoint=path)
    assert not path.exists()
    assert _without_seconds(interrupted) == _without_seconds(worker.run(EFF_SPINENET_D0))


def test_a_resumed_trial_reports_its_earlier_aps_again(
    odd: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = replace(TASK, evaluate_steps=2)
    worker, path = ProxyWorker(task, odd, cache, SEED, THREADS), tmp_path / "trial.checkpoint"
    first, second = list[Progress](), list[Progress]()

    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt
        first.append(progress)

    monkeypatch.setattr("proxy_trainer.training.rate_limit.PROGRESS_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        worker.run(EFF_SPINENET_D0, stop, checkpoint=path)
    worker.run(EFF_SPINENET_D0, second.append, checkpoint=path)
    reported = [(progress.step, progress.ap, progress.loss) for progress in first if progress.ap is not None]
    assert [step for step, _, _ in reported] == [2, 4]
    assert [(progress.step, progress.ap, progress.loss) for progress in second[:2]] == reported


def test_seconds_add_up_over_all_processes(worker: ProxyWorker, tmp_path: Path) -> None:
    path = tmp_path / "trial.checkpoint"
    worker.run(EFF_SPINENET_D0, checkpoint=path, keep=True)
    file = CheckpointFile(path, trial_identity(EFF_SPINENET_D0, worker._task, SEED, worker.identity.sha256))
    found = file.load()
    assert found is not None
    file.save(replace(found, train_seconds=1000.0, evaluate_seconds=100.0))
    metrics = worker.run(EFF_SPINENET_D0, checkpoint=path)
    assert metrics["train_seconds"] is not None
    assert metrics["evaluate_seconds"] is not None
    assert 1000 <= metrics["train_seconds"] < 1100
    assert 100 < metrics["evaluate_seconds"] < 200
    assert metrics["seconds"] == pytest.approx(metrics["train_seconds"] + metrics["evaluate_seconds"], abs=0.01)


def test_a_checkpoint_of_a_finished_trial_is_only_scored_again(worker: ProxyWorker, tmp_path: Path) -> None:
    path, seen = tmp_path / "trial.checkpoint", list[Progress]()
    first = worker.run(EFF_SPINENET_D0, checkpoint=path, keep=True)
    assert worker._engine is not None
    trained = worker._engine.state()
    worker.run(SP_EFFICIENTNET_B0)
    again = worker.run(EFF_SPINENET_D0, seen.append, checkpoint=path, keep=True)
    assert seen == []
    assert _without_seconds(again) == _without_seconds(first)
    assert_same(worker._engine.state(), trained)
    assert path.exists()


def test_a_trial_that_is_given_up_leaves_no_checkpoint(odd: Path, cache: Path, tmp_path: Path) -> None:
    task = replace(SMOKE, learning_rate=10.0, warmup_steps=0, steps=60, checkpoint_steps=1)
    worker, path = ProxyWorker(task, odd, cache, SEED, THREADS), tmp_path / "trial.checkpoint"
    with pytest.raises(NonFiniteLossError, match="last finite loss"):
        worker.run(EFF_SPINENET_D0, checkpoint=path)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_checkpoint_is_reported_and_the_trial_starts_at_step_0(
    worker: ProxyWorker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, seen = tmp_path / "trial.checkpoint", list[Progress]()
    wanted = worker.run(EFF_SPINENET_D0)
    worker.run(SP_EFFICIENTNET_B0, checkpoint=path, keep=True)
    metrics = worker.run(EFF_SPINENET_D0, seen.append, checkpoint=path)
    assert seen[0].step == 1
    assert _without_seconds(metrics) == _without_seconds(wanted)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert str(path) in record.getMessage()
    assert "its architecture.widths is [" in record.getMessage()


def test_a_trial_continues_without_checkpoints_on_a_full_disk(
    worker: ProxyWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    wanted, path = worker.run(EFF_SPINENET_D0), tmp_path / "trial.checkpoint"
    monkeypatch.setattr("os.fsync", full)
    assert _without_seconds(worker.run(EFF_SPINENET_D0, checkpoint=path, keep=True)) == _without_seconds(wanted)
    assert list(tmp_path.iterdir()) == []
    messages = [record.getMessage() for record in caplog.records]
    assert [message.split(" at ")[1] for message in messages] == [
        f"step {step}: no space left on the disk; the trial continues without it" for step in (4, 6)
    ]
    assert all(str(path) in message for message in messages)


def test_the_identity_has_everything_that_weights_depend_on() -> None:
    one = trial_identity(EFF_SPINENET_D0, TASK, 1, "data")
    assert trial_identity(replace(EFF_SPINENET_D0, name="x"), replace(TASK, checkpoint_steps=1), 1, "data") == one
    for other in (
        trial_identity(SP_EFFICIENTNET_B0, TASK, 1, "data"),
        trial_identity(EFF_SPINENET_D0, replace(TASK, bn_momentum=0.5), 1, "data"),
        trial_identity(EFF_SPINENET_D0, TASK, 2, "data"),
        trial_identity(EFF_SPINENET_D0, TASK, 1, "other data"),
        trial_identity(EFF_SPINENET_D0, TASK, 1, "data", start="start"),
    ):
        assert other != one


def _proxy(*arguments: object) -> Result:
    """`effspine proxy` of D0 with a task of four steps."""
    widths = ",".join(map(str, EFF_SPINENET_D0.widths))
    fields = {"steps": 4, "warmup_steps": 0, "ema_decay": SMOKE.ema_decay, "stochastic_depth": SMOKE.stochastic_depth}
    changes = [part for name, value in fields.items() for part in ("--set", f"{name}={value}")]
    fixed = ("--profile", "smoke", *changes, "--widths", widths, "--json")
    return CliRunner().invoke(proxy_app, [*fixed, "--threads", str(THREADS), *map(str, arguments)])


def test_the_command_resumes_where_it_was_interrupted(
    odd: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFSPINE_DATA_DIR", str(cache))
    path, trained = tmp_path / "trial.checkpoint", list[int]()
    train_step = Engine.train_step

    def counted(engine: Engine, batch: Any, learning_rate: float, path_seed: tuple[int, int]) -> Any:
        if path_seed[1] == 2 and 2 not in trained:
            trained.append(2)
            raise KeyboardInterrupt
        trained.append(path_seed[1])
        return train_step(engine, batch, learning_rate, path_seed)

    monkeypatch.setattr(Engine, "train_step", counted)
    assert _proxy("--data", odd, "--checkpoint", path).exit_code == 130
    assert path.exists()
    resumed = _proxy("--data", odd, "--checkpoint", path, "--keep-checkpoint")
    assert trained == [0, 1, 2, 2, 3]
    assert path.exists()
    whole = _proxy("--data", odd)
    assert _without_seconds(json.loads(resumed.stdout)) == _without_seconds(json.loads(whole.stdout))


def test_the_command_refuses_a_file_that_it_would_overwrite_or_could_not_write(odd: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"not ours")
    fields = ("kind=shared", "shared_steps=3", "steps=0", "recalibration_images=8")
    of_slices = [argument for field in fields for argument in ("--set", field)]
    for arguments, message in (
        (("--checkpoint", photo), "is not a checkpoint and would be overwritten"),
        (("--keep-checkpoint",), "--keep-checkpoint needs --checkpoint FILE"),
        (("--checkpoint", tmp_path / "new", *of_slices), "this task has 0 steps of its own"),
    ):
        error = _proxy("--data", odd, *arguments).exception
        assert isinstance(error, InvalidValueError)
        assert message in str(error)
    assert photo.read_bytes() == b"not ours"
