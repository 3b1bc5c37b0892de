"""A whole proxy: data, training, scoring."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.digits import make_digits
from proxy_trainer.errors import NonFiniteLossError, UnreadableImageError
from proxy_trainer.proxy import Progress, ProxyWorker
from search_space.proxy_task import ProxyTask, resolve
from search_space.published import EFF_SPINENET_D0, SP_EFFICIENTNET_B0
from tests.proxy_trainer.conftest import THREADS


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data") / "digits"
    make_digits(directory, train=200, val=40)
    return directory


def _worker(task: ProxyTask, dataset: Path, cache: Path, seed: int = 1) -> ProxyWorker:
    return ProxyWorker(task, dataset, cache, seed, THREADS)


def test_a_tiny_proxy_learns(digits: Path, tmp_path: Path) -> None:
    """A short training against none to speak of."""
    task = resolve("laptop", steps=150, warmup_steps=15, ema_decay=0.95)
    trained = _worker(task, digits, tmp_path).run(SP_EFFICIENTNET_B0)["ap50"]
    untrained = _worker(replace(task, steps=1, warmup_steps=0), digits, tmp_path).run(SP_EFFICIENTNET_B0)["ap50"]
    assert trained is not None
    assert untrained is not None
    assert trained > 0.1
    assert trained > 4 * untrained


def test_a_trial_is_the_same_bits_whatever_was_trained_before(digits: Path, tmp_path: Path) -> None:
    worker = _worker(resolve("smoke", steps=6), digits, tmp_path)
    first = worker.run(EFF_SPINENET_D0)
    worker.run(SP_EFFICIENTNET_B0)
    again = worker.run(EFF_SPINENET_D0)
    same = [name for name in first if not name.endswith("seconds")]
    assert {name: first[name] for name in same} == {name: again[name] for name in same}


def test_progress_is_reported_to_the_last_step(digits: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    metrics = _worker(resolve("smoke", steps=5), digits, tmp_path).run(SP_EFFICIENTNET_B0, seen.append)
    assert (seen[-1].step, seen[-1].steps) == (5, 5)
    assert seen[-1].loss == metrics["loss"]
    assert [progress.step for progress in seen] == sorted(progress.step for progress in seen)


def test_another_data_set_with_odd_images_and_category_ids_works_unchanged(odd_coco: Path, tmp_path: Path) -> None:
    metrics = _worker(resolve("smoke", steps=3, warmup_steps=0), odd_coco, tmp_path).run(SP_EFFICIENTNET_B0)
    assert metrics["ap"] is not None
    assert 0 <= metrics["ap"] <= 1
    assert np.isfinite(metrics["loss"])  # type: ignore[arg-type]


def test_a_loss_that_leaves_the_finite_numbers_is_named(digits: Path, tmp_path: Path) -> None:
    worker = _worker(resolve("smoke", learning_rate=10.0, warmup_steps=0, momentum=0.999), digits, tmp_path)
    with pytest.raises(NonFiniteLossError, match=r"not finite at step \d+ \(learning rate .*; last finite loss"):
        worker.run(SP_EFFICIENTNET_B0)


def test_a_truncated_image_is_named_before_training(digits: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    make_digits(broken, train=4, val=2)
    image = sorted((broken / "train").glob("*.jpg"))[0]
    image.write_bytes(image.read_bytes()[:500])
    with pytest.raises(UnreadableImageError, match=image.name):
        _worker(resolve("smoke"), broken, tmp_path / "cache")
