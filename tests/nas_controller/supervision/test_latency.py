"""A runner measures the latency of every trial, and the campaign replays from what was recorded."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from nas_controller.campaigns import figures
from nas_controller.campaigns.replay import verify
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.store import Store
from nas_controller.supervision.phases import Machine
from nas_controller.supervision.runner import run
from tests.support.databases import migrated_sqlite
from tests.support.random_detectors import UNEQUAL
from tests.support.synthetic_campaigns import create


def test_a_synthetic_campaign_minimises_the_latency_of_its_own_networks(tmp_path: Path) -> None:
    store = Store.open(migrated_sqlite(tmp_path / "effspine.db"))
    base = asdict(UNEQUAL) | {"widths": [8 * width for width in UNEQUAL.widths]}
    campaign_id = create(
        store,
        trials=5,
        parallelism=2,
        objective={"minimise": "latency"},
        latency={"runs": 3},
        search_space={"base": base},
    )
    run(campaign_id, store, tmp_path, "runner", machine=Machine(executor=InProcessExecutor()))
    assert store.reads.get_campaign(campaign_id).state == "completed"
    columns = store.reads.trial_columns(campaign_id, "latency_ms", "latency_ratio")
    assert all(ms > 0 for ms in columns["latency_ms"])
    assert columns["latency_ratio"][0] == 1.0
    assert len({*columns["latency_ratio"]}) == 5
    verify(store, campaign_id)
    figure = figures.compute(store, campaign_id, "latency-ap")
    assert figure["cost"] == columns["latency_ratio"]
    assert figure["front"]
    store.close()
