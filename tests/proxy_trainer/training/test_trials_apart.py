"""Nothing leaks from one trial into the next, whatever was trained before and in whichever process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from proxy_trainer.engine.engine import EngineState
from proxy_trainer.training.proxy_worker import Metrics, ProxyWorker
from search_space.architecture import Architecture
from search_space.published import EFF_SPINENET_D0
from search_space.space import SearchSpace
from tests.support.processes import THREADS, in_a_process
from tests.support.proxy_tasks import SMOKE

TASK = replace(SMOKE, steps=2, warmup_steps=0, reserved_images=8, scale_min=0.5)
SEED = 3
OTHERS = 9


def _trial(worker: ProxyWorker, candidate: Architecture = EFF_SPINENET_D0) -> tuple[Metrics, EngineState]:
    """The figures and the trained state of one trial."""
    metrics = worker.run(candidate)
    assert worker._engine is not None
    return {name: value for name, value in metrics.items() if not name.endswith("seconds")}, worker._engine.state()


def train_alone(dataset: str, cache: str, file: str) -> None:
    """Saves the trial of a process that has trained nothing else."""
    metrics, state = _trial(ProxyWorker(TASK, Path(dataset), Path(cache), SEED, THREADS))
    np.savez(file, metrics=json.dumps(metrics), **state._asdict())


def test_a_trial_is_the_same_bits_as_the_first_after_nine_others_and_in_a_fresh_process(
    digits: Path, tmp_path: Path
) -> None:
    cache, file = tmp_path / "cache", tmp_path / "alone.npz"
    worker, space, rng = ProxyWorker(TASK, digits, cache, SEED, THREADS), SearchSpace(), np.random.default_rng(0)
    first_metrics, first = _trial(worker)
    losses = set()
    for _ in range(OTHERS):
        candidate = space.candidate(rng.choice(space.choices, space.num_blocks).tolist())
        metrics, state = _trial(worker, space.architecture(candidate.widths))
        assert state.weights.shape != first.weights.shape
        losses.add(metrics["loss"])
    assert len(losses) == OTHERS
    last_metrics, last = _trial(worker)
    in_a_process(train_alone, digits, cache, file)
    with np.load(file) as alone:
        assert json.loads(str(alone["metrics"])) == first_metrics == last_metrics
        for name in EngineState._fields:
            np.testing.assert_array_equal(getattr(last, name), getattr(first, name), err_msg=name)
            np.testing.assert_array_equal(alone[name], getattr(first, name), err_msg=name)
    assert worker._engine is not None
    assert worker._engine.traces() == (1, 1)
