"""With Ray: a worker and a runner are killed while shared weights are trained; nothing but half a minute is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.entities import SharedTrainingDocument
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.supervisor import Supervisor
from search_space.space import SearchSpace
from search_space.weights_files import shared_weights_dir
from tests.support.process_table import worker_of
from tests.support.processes import in_a_process
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import kinds
from tests.support.waiting import wait_for

CPUS = 1
TASK = {
    "profile": "smoke", "kind": "shared", "shared_steps": 2500, "steps": 0, "warmup_steps": 0,
    "recalibration_images": 16,
}  # fmt: skip
SPEC = synthetic_spec(dataset="digits", proxy_task=TASK, trials=3, parallelism=2, resources={"cpus": CPUS})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(sqlite_url(tmp_path / "effspine.db"))) as opened:
        yield opened


def make_small_digits(directory: str) -> None:
    from proxy_trainer.data.digits import make_digits

    make_digits(Path(directory), train=48, val=16)


def train_without_interruption(dataset: str, cache: str, expected_sha256: str) -> None:
    """Trains the shared weights of the campaign in one go and compares them."""
    from proxy_trainer.training.proxy_worker import ProxyWorker

    threads = SPEC.parallelism * CPUS
    worker = ProxyWorker(SPEC.proxy_task.resolve(), Path(dataset), Path(cache), SPEC.seed, threads, SearchSpace())
    trained = worker.shared_weights()
    assert not trained.is_reused
    assert trained.sha256 == expected_sha256, trained.sha256


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_kill_9_of_a_worker_and_of_the_runner_during_shared_training_changes_no_bit(
    store: Store, tmp_path: Path
) -> None:
    dataset = tmp_path / "datasets" / "digits"
    in_a_process(make_small_digits, dataset)
    campaign_id = store.service.create_campaign(SPEC).id
    supervisor = Supervisor(sqlite_url(tmp_path / "effspine.db"), tmp_path, lease_seconds=8)

    def training() -> SharedTrainingDocument | None:
        return store.reads.get_campaign(campaign_id).shared_training

    def is_running(attempt: int, after_step: int = 0) -> bool:
        now = training()
        return now is not None and now.attempts == attempt and now.state == "running" and now.step > after_step

    def resumed_steps(count: int) -> bool:
        log = log_path(tmp_path, campaign_id)
        return log.exists() and log.read_text().count("the training of the shared weights resumes after step") == count

    with supervising(supervisor):
        wait_for(lambda: is_running(1), "the first steps")
        directory = shared_weights_dir(tmp_path / "cache")
        wait_for(lambda: list(directory.glob("*.checkpoint")), "the first checkpoint")
        worker = wait_for(lambda: worker_of(supervisor._runners[campaign_id].pid), "the worker")
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: "shared-training.failed" in kinds(store, campaign_id), "the failed attempt")
        failed = training()
        assert failed is not None
        assert "shared weights, attempt 1: widths of all architectures" in (failed.log_tail or "")
        wait_for(lambda: resumed_steps(1), "a worker that resumes")
        os.kill(supervisor._runners[campaign_id].pid, signal.SIGKILL)
        wait_for(lambda: resumed_steps(2), "the next runner's worker to resume")
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
        wait_for(lambda: not supervisor._runners, "the runner to end")

    assert [kind for kind in kinds(store, campaign_id) if kind.startswith("shared-training")] == [
        "shared-training.started", "shared-training.failed", "shared-training.started", "shared-training.abandoned",
        "shared-training.started", "shared-training.completed",
    ]  # fmt: skip
    trained = training()
    assert trained is not None
    assert (trained.attempts, trained.is_reused, trained.error) == (3, False, None)
    assert store.reads.totals().workers_killed == 1
    assert verify(store, campaign_id).trials_finished == 3
    in_a_process(train_without_interruption, dataset, tmp_path / "other", trained.weights_sha256, timeout_s=900)
