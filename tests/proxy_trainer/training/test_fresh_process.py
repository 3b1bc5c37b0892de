"""Trials in a fresh process give the same bits as in a warm one; killed trials resume in another process."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.engine.engine import Engine, EngineState
from proxy_trainer.training.checkpoint import CheckpointFile, trial_identity
from proxy_trainer.training.proxy_worker import Metrics, ProxyWorker
from proxy_trainer.training.trial_run import Progress
from search_space.architecture import Architecture
from search_space.proxy_task import ProxyTask
from search_space.published import EFF_SPINENET_D0
from search_space.space import SearchSpace
from tests.support.engine_tasks import assert_same
from tests.support.processes import THREADS, run_function
from tests.support.proxy_tasks import SMOKE, SMOKE_ADAMW

SHORT = replace(SMOKE, steps=2, warmup_steps=0, reserved_images=8, scale_min=0.5)
SEED = 3
OTHERS = 9


def _killed_task(task: ProxyTask) -> ProxyTask:
    return replace(task, steps=14, checkpoint_steps=4, warmup_steps=2)


def _worker(task: ProxyTask, dataset: Path, cache: Path) -> ProxyWorker:
    return ProxyWorker(task, dataset, cache, SEED, THREADS)


def _trial(worker: ProxyWorker, candidate: Architecture = EFF_SPINENET_D0) -> tuple[Metrics, EngineState]:
    """The metrics and the trained state of one trial."""
    metrics = worker.run(candidate)
    assert worker._engine is not None
    return _without_seconds(metrics), worker._engine.state()


def _without_seconds(metrics: Metrics) -> Metrics:
    return {name: value for name, value in metrics.items() if not name.endswith("seconds")}


def _kill_at(owner: Any, method: str, call: int) -> None:
    """Makes this process kill itself with SIGKILL at the given call of a method."""
    calls, original = [0], getattr(owner, method)

    def counted(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    setattr(owner, method, counted)


def save_a_trial_and_be_killed_while_writing(dataset: str, cache: str, directory: str) -> None:
    """Saves the first trial of this process. Then trains another, and is killed while it writes the checkpoint of step
    8, when the partial file is complete.
    """
    metrics, state = _trial(_worker(SHORT, Path(dataset), Path(cache)))
    np.savez(Path(directory) / "alone.npz", metrics=json.dumps(metrics), **state._asdict())
    _kill_at(os, "fsync", 3)  # after those of the first checkpoint, of its file and its directory
    checkpoint = Path(directory) / "killed" / "trial.checkpoint"
    _worker(_killed_task(SMOKE), Path(dataset), Path(cache)).run(EFF_SPINENET_D0, checkpoint=checkpoint)


def be_killed_in_a_step(dataset: str, cache: str, directory: str) -> None:
    """Is killed in step 10, after the checkpoint of step 8."""
    _kill_at(Engine, "train_step", 10)
    checkpoint = Path(directory) / "killed" / "trial.checkpoint"
    _worker(_killed_task(SMOKE_ADAMW), Path(dataset), Path(cache)).run(EFF_SPINENET_D0, checkpoint=checkpoint)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def killed_dir(odd: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with the files of `save_a_trial_and_be_killed_while_writing`."""
    directory = tmp_path_factory.mktemp("fresh")
    done = run_function(save_a_trial_and_be_killed_while_writing, odd, cache, directory)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return directory


def test_a_trial_gives_the_same_bits_after_nine_others_and_in_a_fresh_process(
    killed_dir: Path, odd: Path, cache: Path
) -> None:
    worker, space, rng = _worker(SHORT, odd, cache), SearchSpace(), np.random.default_rng(0)
    first_metrics, first = _trial(worker)
    losses = set()
    for _ in range(OTHERS):
        candidate = space.candidate(rng.choice(space.choices, space.num_blocks).tolist())
        metrics, state = _trial(worker, space.architecture(candidate.widths))
        assert state.weights.shape != first.weights.shape
        losses.add(metrics["loss"])
    assert len(losses) == OTHERS
    last_metrics, last = _trial(worker)
    assert_same(last, first)
    with np.load(killed_dir / "alone.npz") as alone:
        assert json.loads(str(alone["metrics"])) == first_metrics == last_metrics
        assert_same(EngineState(*(alone[name] for name in EngineState._fields)), first)
    assert worker._engine is not None
    assert worker._engine.traces() == (1, 1)


def test_a_trial_killed_while_writing_a_checkpoint_resumes_from_the_previous_one(
    killed_dir: Path, odd: Path, cache: Path
) -> None:
    directory = killed_dir / "killed"
    assert len(list(directory.iterdir())) == 2  # including the partial file
    _assert_continues(_killed_task(SMOKE), odd, cache, directory, resumed_from=4)


@pytest.mark.slow
def test_a_trial_killed_in_a_step_resumes_from_the_last_checkpoint(digits: Path, cache: Path, tmp_path: Path) -> None:
    killed = run_function(be_killed_in_a_step, digits, cache, tmp_path)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    directory = tmp_path / "killed"
    assert len(list(directory.iterdir())) == 1
    _assert_continues(_killed_task(SMOKE_ADAMW), digits, cache, directory, resumed_from=8)


def _assert_continues(task: ProxyTask, dataset: Path, cache: Path, directory: Path, resumed_from: int) -> None:
    """The trial with a checkpoint in the directory ends with the metrics and weights of an uninterrupted one."""
    path, seen = directory / "trial.checkpoint", list[Progress]()
    resumed = _worker(task, dataset, cache)
    found = CheckpointFile(path, trial_identity(EFF_SPINENET_D0, task, SEED, resumed.identity.sha256)).load()
    assert found is not None
    assert found.state.steps_done == resumed_from
    metrics = resumed.run(EFF_SPINENET_D0, seen.append, checkpoint=path)
    assert seen[0].step == resumed_from + 1
    assert list(directory.iterdir()) == []
    assert resumed._engine is not None
    state = resumed._engine.state()
    assert state.steps_done == task.steps

    whole_metrics, whole_state = _trial(_worker(task, dataset, cache))
    assert whole_metrics == _without_seconds(metrics)
    assert_same(whole_state, state)
