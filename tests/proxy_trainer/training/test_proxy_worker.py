"""Whole trials: data, training and scoring."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data.data_identity import DataIdentity
from proxy_trainer.data.digits import make_digits
from proxy_trainer.errors import NonFiniteLossError, UnreadableImageError
from proxy_trainer.training.checkpoint import CheckpointFile, trial_identity
from proxy_trainer.training.evaluation import coco_metrics
from proxy_trainer.training.proxy_worker import ProxyWorker
from proxy_trainer.training.trial_run import Progress
from search_space.proxy_task import ProxyTask, resolve
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from tests.support.engine_tasks import assert_same
from tests.support.processes import THREADS
from tests.support.proxy_tasks import SMOKE, SMOKE_ADAMW


def _worker(task: ProxyTask, dataset: Path, cache: Path, seed: int = 1) -> ProxyWorker:
    return ProxyWorker(task, dataset, cache, seed, THREADS)


LEARNING = {
    "smoke": replace(SMOKE_ADAMW, learning_rate=0.04, steps=200, warmup_steps=15, reserved_images=40),
    "laptop-alone": resolve("laptop-alone", ema_decay=0.95, steps=150, warmup_steps=15, checkpoint_steps=0),
}


@pytest.mark.parametrize("name", ["smoke", pytest.param("laptop-alone", marks=pytest.mark.slow)])
def test_a_small_proxy_learns(name: str, digits: Path, tmp_path: Path) -> None:
    """The AP of a short training is far above that of a single step."""
    task = LEARNING[name]
    trained = _worker(task, digits, tmp_path).run(SP_EFFICIENTNET_B0)["ap50"]
    untrained = _worker(replace(task, steps=1, warmup_steps=0), digits, tmp_path).run(SP_EFFICIENTNET_B0)["ap50"]
    assert trained is not None
    assert untrained is not None
    assert trained > 0.1
    assert trained > 4 * untrained


def test_a_trial_gives_the_same_bits_after_any_other_trial(odd: Path, tmp_path: Path) -> None:
    worker = _worker(replace(SMOKE, steps=6), odd, tmp_path)
    first = worker.run(EFF_SPINENET_D0)
    worker.run(SP_EFFICIENTNET_B0)
    again = worker.run(EFF_SPINENET_D0)
    same = [name for name in first if not name.endswith("seconds")]
    assert {name: first[name] for name in same} == {name: again[name] for name in same}


def test_a_worker_of_finals_states_what_the_search_would_read_now(digits: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(digits, tmp_path / "copy")
    searching = _worker(SMOKE, copied, tmp_path)

    def of_finals() -> ProxyWorker:
        task = replace(SMOKE, reserved_images=SMOKE.reserved_images // 2)
        return ProxyWorker(task, copied, tmp_path, 1, THREADS, search_task=SMOKE)

    assert searching.search_identity is None
    before = of_finals()
    assert before.has_fresh_images
    assert before.search_identity == searching.identity != before.identity
    rewarded = searching._reserved.path(0)
    rewarded.write_bytes(rewarded.read_bytes() + b"\0")
    after = of_finals()
    assert after.identity == before.identity
    assert after.search_identity is not None
    assert after.search_identity.train == searching.identity.train
    assert after.search_identity.reserved.images_sha256 != searching.identity.reserved.images_sha256


def test_progress_is_reported_to_the_last_step(odd: Path, tmp_path: Path) -> None:
    reports: list[Progress] = []
    metrics = _worker(replace(SMOKE, steps=5), odd, tmp_path).run(SP_EFFICIENTNET_B0, reports.append)
    assert (reports[-1].step, reports[-1].steps) == (5, 5)
    assert reports[-1].loss == metrics["loss"]
    assert [progress.step for progress in reports] == sorted(progress.step for progress in reports)


def test_ap_during_training_is_reported_and_changes_nothing(odd: Path, tmp_path: Path) -> None:
    task = replace(SMOKE, steps=12, recalibration_images=8)
    reports: list[Progress] = []
    evaluating = _worker(replace(task, evaluate_steps=6), odd, tmp_path)
    metrics = evaluating.run(SP_EFFICIENTNET_B0, reports.append)
    assert [progress.step for progress in reports if progress.ap is not None] == [
        6
    ]  # that of the last step is the result

    assert evaluating._engine is not None
    wanted = evaluating._engine.state()
    plain, plain_reports = _worker(task, odd, tmp_path), list[Progress]()
    without = plain.run(SP_EFFICIENTNET_B0, plain_reports.append)
    assert all(progress.ap is None for progress in plain_reports)
    same = [name for name in metrics if not name.endswith("seconds")]
    assert {name: metrics[name] for name in same} == {name: without[name] for name in same}
    assert plain._engine is not None
    assert_same(plain._engine.state(), wanted)


def test_averaged_weights_are_scored_with_their_own_batch_norm_statistics(digits: Path, tmp_path: Path) -> None:
    task = replace(SMOKE_ADAMW, steps=12, ema_decay=0.5, recalibration_images=16)
    worker = _worker(task, digits, tmp_path)
    metrics = worker.run(EFF_SPINENET_D0)
    engine, images = worker._engine_for(EFF_SPINENET_D0), worker._train_images
    chosen = np.sort(np.random.default_rng([task.shared_seed, 2]).permutation(len(images))[:16])
    running = engine.state()
    with engine.recalibrated(images.pixels[chosen], images.sizes[chosen], batch=16):
        assert not np.allclose(engine.state().statistics, running.statistics)
        wanted = coco_metrics(worker._reserved, worker._detect(engine))
    assert {name: metrics[name] for name in wanted} == wanted
    assert_same(engine.state(), running)


def test_ap_during_training_is_that_of_the_weights_of_that_step(digits: Path, tmp_path: Path) -> None:
    """It equals the AP of the checkpoint of that step."""
    task = replace(LEARNING["smoke"], steps=62, warmup_steps=6, evaluate_steps=60, checkpoint_steps=60)
    worker, reported = _worker(task, digits, tmp_path), list[Progress]()
    path = tmp_path / "trial.checkpoint"

    def stop_after_60(progress: Progress) -> None:
        reported.append(progress)
        if progress.step > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.run(SP_EFFICIENTNET_B0, stop_after_60, checkpoint=path)
    aps = {progress.step: progress.ap for progress in reported if progress.ap is not None}
    assert list(aps) == [60]
    assert aps[60] is not None
    assert aps[60] > 0
    file = CheckpointFile(path, trial_identity(SP_EFFICIENTNET_B0, worker._task, 1, worker.identity.sha256))
    found = file.load()
    assert found is not None
    engine = worker._engine_for(SP_EFFICIENTNET_B0)
    engine.load(SP_EFFICIENTNET_B0, 1)
    engine.restore(found.state)
    assert coco_metrics(worker._reserved, worker._detect(engine))["ap"] == aps[60]


def test_a_trial_stopped_by_a_report_does_not_affect_the_next(odd: Path, tmp_path: Path) -> None:
    worker = _worker(replace(SMOKE, steps=6, evaluate_steps=2), odd, tmp_path)
    wanted = worker.run(EFF_SPINENET_D0)

    def stop(progress: Progress) -> None:
        if progress.ap is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        worker.run(SP_EFFICIENTNET_B0, stop)
    # The exception still references the frames of that trial, but no thread prepares batches for it.
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("batches")]
    again = worker.run(EFF_SPINENET_D0)
    same = [name for name in wanted if not name.endswith("seconds")]
    assert {name: wanted[name] for name in same} == {name: again[name] for name in same}
    assert stopped.value.__traceback__ is not None


def test_a_data_set_with_odd_images_and_category_ids_is_trained_and_scored(odd: Path, tmp_path: Path) -> None:
    metrics = _worker(replace(SMOKE, steps=3, warmup_steps=0), odd, tmp_path).run(SP_EFFICIENTNET_B0)
    assert metrics["ap"] is not None
    assert 0 <= metrics["ap"] <= 1
    assert np.isfinite(metrics["loss"])  # type: ignore[arg-type]


def test_a_loss_that_is_not_finite_raises_an_error_with_its_step(odd: Path, tmp_path: Path) -> None:
    worker = _worker(replace(SMOKE, learning_rate=10.0, warmup_steps=0, steps=60), odd, tmp_path)
    with pytest.raises(NonFiniteLossError, match=r"not finite at step \d+ \(learning rate .*; last finite loss"):
        worker.run(SP_EFFICIENTNET_B0)


def test_a_truncated_image_is_named_before_training(odd: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    make_digits(broken, train=4, val=2)
    image = sorted((broken / "train").glob("*.jpg"))[0]
    image.write_bytes(image.read_bytes()[:500])
    with pytest.raises(UnreadableImageError, match=image.name):
        _worker(SMOKE, broken, tmp_path / "cache")


def test_the_identity_is_that_of_the_content_of_both_splits(digits: Path, tmp_path: Path) -> None:
    copied, calls = shutil.copytree(digits, tmp_path / "copied", copy_function=shutil.copyfile), list[int]()

    def identity(task: ProxyTask = SMOKE, seed: int = 1) -> DataIdentity:
        cache = tmp_path / "cache"
        return ProxyWorker(task, copied, cache, seed, THREADS, alive=lambda: calls.append(1)).identity

    one = _worker(SMOKE, digits, tmp_path / "cache").identity
    assert identity() == one
    assert calls
    assert (one.train.images, one.reserved.images) == (200, SMOKE.reserved_images)
    other_seed = identity(seed=2)
    assert (other_seed.train == one.train, other_seed.reserved == one.reserved) == (True, False)
    annotations = next((copied / "annotations").glob("*val*.json"))
    document = json.loads(annotations.read_text())
    for annotation in document["annotations"]:
        annotation["bbox"][0] += 0.5
    annotations.write_text(json.dumps(document))
    edited = identity()
    assert edited.train == one.train
    assert edited.reserved.annotations_sha256 != one.reserved.annotations_sha256
    assert edited.reserved.images_sha256 == one.reserved.images_sha256


def test_a_seed_of_a_run_is_that_of_its_weights_and_batches_alone(odd: Path, tmp_path: Path) -> None:
    task = replace(SMOKE, steps=4)
    worker = _worker(task, odd, tmp_path)
    own, other = worker.run(SP_EFFICIENTNET_B0), worker.run(SP_EFFICIENTNET_B0, seed=2)
    assert own["loss"] != other["loss"]
    identity = worker.identity
    again = worker.run(SP_EFFICIENTNET_B0)
    assert again["loss"] == own["loss"]
    assert worker.run(SP_EFFICIENTNET_B0, seed=2)["loss"] == other["loss"]
    assert worker.identity == identity
