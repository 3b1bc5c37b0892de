"""With Ray: a worker and a runner are killed in the finals; the trainings go on from their checkpoints."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.supervisor import Supervisor
from tests.support.process_table import worker_of
from tests.support.processes import in_a_process
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import kinds
from tests.support.waiting import wait_for

STEPS = 400
CPUS = 1
FINALS = {
    "top": 1, "seeds": 1, "profile": "smoke", "steps": STEPS, "checkpoint_steps": 20, "reserved_images": 8,
}  # fmt: skip
SPEC = synthetic_spec(
    dataset="digits",
    proxy_task={"profile": "smoke", "steps": 5, "reserved_images": 8},
    trials=2,
    finals=FINALS,
    resources={"cpus": CPUS},
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(sqlite_url(tmp_path / "effspine.db"))) as opened:
        yield opened


def make_small_digits(directory: str) -> None:
    from proxy_trainer.data.digits import make_digits

    make_digits(Path(directory), train=48, val=16)


def train_without_interruption(dataset: str, cache: str, widths: str, loss: str, ap: str) -> None:
    """Trains the first finalist in one go and compares its result."""
    from dataclasses import replace

    from proxy_trainer.training.proxy_worker import ProxyWorker
    from search_space.space import SearchSpace

    search = SPEC.proxy_task.resolve()
    assert SPEC.finals is not None
    worker = ProxyWorker(SPEC.finals_task, Path(dataset), Path(cache), SPEC.seed, CPUS, search_task=search)
    assert worker.has_fresh_images
    metrics = worker.run(
        replace(SearchSpace().base, widths=tuple(map(int, widths.split(","))), name="candidate"), seed=SPEC.seed + 1
    )
    assert (metrics["loss"], metrics["ap"]) == (float(loss), float(ap))


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_kill_9_of_a_worker_and_of_the_runner_in_the_finals_loses_nothing(store: Store, tmp_path: Path) -> None:
    dataset = tmp_path / "datasets" / "digits"
    in_a_process(make_small_digits, dataset)
    campaign_id = store.service.create_campaign(SPEC).id
    supervisor = Supervisor(sqlite_url(tmp_path / "effspine.db"), tmp_path, lease_seconds=8)

    def runs() -> list[Any]:
        return list(store.reads.final_runs(campaign_id))

    def is_past(index: int, attempt: int, step: int) -> bool:
        found = runs()
        return len(found) > index and found[index].attempts == attempt and (found[index].progress_step or 0) > step

    def resumed(count: int) -> bool:
        log = log_path(tmp_path, campaign_id)
        return log.exists() and log.read_text().count("resumed after step") == count

    with supervising(supervisor):
        wait_for(lambda: is_past(0, 1, 40), "the baseline's final")
        worker = wait_for(lambda: worker_of(supervisor._runners[campaign_id].pid), "the worker")
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: "final.failed" in kinds(store, campaign_id), "the failed attempt")
        wait_for(lambda: resumed(1), "a worker that resumes")
        wait_for(lambda: is_past(1, 1, 40), "the finalist's final")
        os.kill(supervisor._runners[campaign_id].pid, signal.SIGKILL)
        wait_for(lambda: resumed(2), "the next runner's worker to resume")
        wait_for(lambda: store.reads.get_campaign(campaign_id).state == "completed", "the end")
        wait_for(lambda: not supervisor._runners, "the runner to end")

    assert [kind for kind in kinds(store, campaign_id) if kind.startswith("final")] == [
        "finals.started", "final.begun", "final.failed", "final.begun", "finals.identified", "final.completed",
        "final.begun", "final.abandoned", "final.begun", "final.completed", "finals.completed",
    ]  # fmt: skip
    record = store.reads.get_campaign(campaign_id)
    assert record.finals is not None
    assert (record.finals.fresh_images, record.trials_finished) == (True, 2)
    assert store.reads.totals().workers_killed == 1
    verify(store, campaign_id)
    _, finalist = runs()
    widths = ",".join(map(str, store.reads.get_trial_record(campaign_id, finalist.trial).widths))
    loss, ap = finalist.metrics["loss"], finalist.metrics["ap"]
    in_a_process(train_without_interruption, dataset, tmp_path / "other", widths, loss, ap, timeout_s=900)
    assert not (tmp_path / "checkpoints" / campaign_id).exists()
