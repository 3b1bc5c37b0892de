"""The worker of a training without Ray, and the resources that it reserves."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas_controller.execution import ray_sessions, ray_training
from nas_controller.execution.executor import Workers
from nas_controller.execution.network_training import NetworkProgress, NetworkTraining
from nas_controller.execution.ray_training import LOCK_FILE, NetworkTrainer, Placement
from search_space.errors import EffspineError, InvalidValueError

CLUSTER = "10.0.0.1:6379"
PROGRESS = NetworkProgress(
    step=1, steps=9, epoch=None, loss=1.0, metric="ap", last=None, last_step=None, best=None, best_step=None,
    seconds_left=None, figures=None,
)  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> NetworkTraining:
    """A training whose directory has been made, and whose data set has not."""
    out = tmp_path / "trainings" / "t_1" / "run"
    out.parent.mkdir(parents=True)
    return NetworkTraining(
        task="detection", architecture="Eff-SpineNet-D0", data=tmp_path / "digits", recipe="laptop-final", overrides={},
        start="fresh", seed=1, threads=1, cache_dir=tmp_path / "cache", out=out,
    )  # fmt: skip


def test_a_node_without_the_data_directory_of_the_service_is_named(work: NetworkTraining, tmp_path: Path) -> None:
    elsewhere = replace(work, out=tmp_path / "trainings" / "t_2" / "run")
    error = NetworkTrainer().train(elsewhere)
    assert isinstance(error, EffspineError)
    assert str(error).startswith(f"{elsewhere.out.parent} is not there on the node ")
    assert "every node of the cluster needs the data directory of the service under the same path" in str(error)


def test_a_worker_does_not_train_beside_an_earlier_one(work: NetworkTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_training, "PREDECESSOR_SECONDS", 0.0)
    with (work.out.parent / LOCK_FILE).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert NetworkTrainer().train(work) == "busy"
    error = NetworkTrainer().train(work)
    assert isinstance(error, EffspineError)
    assert str(work.data) in str(error)


def test_the_newest_progress_and_that_of_each_evaluation_are_kept_until_they_are_read() -> None:
    trainer = NetworkTrainer()
    evaluated = [(1, None), (2, None), (3, 3), (4, 3), (5, 3), (6, 6)]
    for step, last_step in evaluated:
        trainer._report(replace(PROGRESS, step=step, last_step=last_step))
    assert [(each.step, each.last_step) for each in trainer.unread()] == [(2, None), (5, 3), (6, 6)]
    assert trainer.unread() == []


@pytest.mark.parametrize(
    ("workers", "address", "available", "reserved"),
    [
        (Workers(1, 8), None, {"CPU": 1.0}, (1.0, 0, {})),
        (Workers(1, 8), None, {"CPU": 1.0, "GPU": 2.0}, (1.0, 2.0, {})),
        (Workers(1, 4, gpus=0.5), None, {"CPU": 1.0, "GPU": 2.0}, (1.0, 0.5, {})),
        (Workers(1, 1), CLUSTER, {"CPU": 8.0}, (1.0, 0, {})),
        (Workers(1, 4), CLUSTER, {"CPU": 8.0, "GPU": 16.0}, (4.0, 1.0, {})),
        (Workers(1, 4, gpus=2.0), CLUSTER, {"CPU": 8.0}, (4.0, 2.0, {})),  # the cluster may grow
        (Workers(1, 4, tpus=8), CLUSTER, {"CPU": 8.0, "GPU": 1.0}, (4.0, 0, {"TPU": 8.0})),
    ],
)
def test_a_worker_reserves_what_the_training_asks_for(
    monkeypatch: pytest.MonkeyPatch, workers: Workers, address: str | None, available: Any, reserved: Any
) -> None:
    monkeypatch.setattr(ray_sessions, "resources", lambda: available)
    options = ray_training._reserved(Placement("t_1", workers, address, 1))
    assert (options["num_cpus"], options["num_gpus"], options["resources"]) == reserved


def test_what_this_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_sessions, "resources", lambda: {"CPU": 1.0, "GPU": 1.0})
    with pytest.raises(InvalidValueError, match=r"`resources\.gpus` asks for 2 GPU and this machine has 1"):
        ray_training._reserved(Placement("t_1", Workers(1, 1, gpus=2.0), None, 1))
