"""Trials of shared weights without steps of their own: slices of a supernet, recalibrated and scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.engine.detections import DetectionBatch
from proxy_trainer.training import supernet as module
from proxy_trainer.training.proxy_worker import ProxyWorker
from proxy_trainer.training.supernet import Supernet
from proxy_trainer.training.trial_run import Progress
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.errors import InvalidValueError
from search_space.published import EFF_SPINENET_D0, EFF_SPINENETS, SP_EFFICIENTNET_B0
from search_space.space import SearchSpace
from search_space.supernet_widths import widest
from tests.support.processes import THREADS
from tests.support.proxy_tasks import SMOKE_ADAMW

STEPS = 12
TASK = replace(
    SMOKE_ADAMW,
    kind="shared",
    steps=0,
    warmup_steps=0,
    shared_steps=STEPS,
    shared_learning_rate=0.02,
    shared_ema_decay=0.5,
    recalibration_images=16,
)
SPACE = SearchSpace()


def worker_on(dataset: Path, cache: Path) -> ProxyWorker:
    return ProxyWorker(TASK, dataset, cache, 1, THREADS, SPACE)


def scored(worker: ProxyWorker, candidate: Architecture) -> tuple[dict[str, float | None], DetectionBatch]:
    """The metrics of a candidate without its times, and what it detects in reserved images."""
    metrics = worker.run(candidate)
    images = worker._reserved_images
    assert worker._engine is not None
    with worker._engine.recalibrated(*worker._recalibration_images, batch=16):
        found = worker._engine.detect(images.pixels[:8], images.sizes[:8])
    return {name: value for name, value in metrics.items() if not name.endswith("seconds")}, found


def assert_equal_scores(
    one: tuple[dict[str, float | None], DetectionBatch], other: tuple[dict[str, float | None], DetectionBatch]
) -> None:
    assert one[0] == other[0]
    assert one[1].scores.any()
    for name, first, second in zip(DetectionBatch._fields, one[1], other[1], strict=True):
        np.testing.assert_array_equal(first, second, err_msg=name)


@pytest.fixture(scope="module")
def cache(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache directory with trained weights."""
    directory = tmp_path_factory.mktemp("cache")
    assert not worker_on(digits, directory).shared_weights().is_reused
    return directory


def test_a_slice_has_the_same_score_in_every_process_and_after_any_other(digits: Path, cache: Path) -> None:
    worker = worker_on(digits, cache)
    first = scored(worker, EFF_SPINENET_D0)
    assert first[0]["steps"] == 0
    assert "loss" not in first[0]
    base = scored(worker, SP_EFFICIENTNET_B0)
    assert not np.array_equal(base[1].scores, first[1].scores)
    assert_equal_scores(scored(worker, EFF_SPINENET_D0), first)
    again = worker_on(digits, cache)
    assert again.shared_weights().is_reused
    assert_equal_scores(scored(again, EFF_SPINENET_D0), first)


def test_the_weights_and_scores_are_the_same_after_an_interruption(
    digits: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHECKPOINT_SECONDS", 0.0)

    class StopError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == 6:
            raise StopError

    monkeypatch.setattr("proxy_trainer.training.rate_limit.PROGRESS_SECONDS", 0.0)
    with pytest.raises(StopError):
        worker_on(digits, tmp_path).run(EFF_SPINENET_D0, stop)
    assert len(list(tmp_path.rglob("*.checkpoint"))) == 1
    resumed = worker_on(digits, tmp_path)
    weights, whole = resumed.shared_weights(), worker_on(digits, cache).shared_weights()
    assert (weights.is_reused, whole.is_reused) == (False, True)
    assert (weights.identity, weights.sha256) == (whole.identity, whole.sha256)
    assert not list(tmp_path.rglob("*.checkpoint"))
    assert_equal_scores(scored(resumed, EFF_SPINENET_D0), scored(worker_on(digits, cache), EFF_SPINENET_D0))


def test_the_supernet_has_every_parameter_that_an_architecture_can_have() -> None:
    unequal = replace(SP_EFFICIENTNET_B0, widths=tuple(range(100, 280, 10)))
    every, supernet = parameters(TASK.architecture(unequal, 1)), Supernet(TASK, 1, SPACE, "data")
    assert {p.name for p in supernet._wide} == {p.name for p in every}
    equal = parameters(TASK.architecture(SPACE.architecture((64,) * 18), 1))
    assert {p.name for p in equal} < {p.name for p in every}
    assert len(set(module._made_unequal((8, 8, 6, 8, 10), 2))) == 5
    assert module._made_unequal((8, 8, 6, 8, 10), 2) == (8, 10, 6, 12, 14)


def test_a_wider_architecture_is_scored_as_the_one_that_is_cut_to_the_supernet(digits: Path, cache: Path) -> None:
    network = TASK.architecture(SPACE.architecture(widest(SPACE)), 1)
    widths = np.array(module._made_unequal(network.widths, TASK.width_divisor)) / TASK.width_multiplier
    worker = worker_on(digits, cache)
    wider, cut, narrower = (
        scored(worker, replace(SPACE.base, widths=tuple((factor * widths).astype(int).tolist())))
        for factor in (2.0, 1.0, 0.5)
    )
    assert wider[0] == pytest.approx(cut[0], abs=1e-3)
    np.testing.assert_allclose(wider[1].scores, cut[1].scores, atol=1e-3)
    assert not np.allclose(narrower[1].scores, cut[1].scores, atol=1e-3)


def test_an_architecture_of_another_structure_is_refused(digits: Path, cache: Path) -> None:
    with pytest.raises(InvalidValueError, match="has other repeats or operations than"):
        worker_on(digits, cache).run(EFF_SPINENETS["D1"])
