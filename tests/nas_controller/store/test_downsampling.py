"""Figures of a campaign of 20,000 trials have a bounded sample with every important trial, and lists are read from
indexes, in every order, on both databases.
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from nas_controller.campaigns import figures
from nas_controller.states import TRIAL_ORDERS, TrialOrder
from nas_controller.store import Store, sqlite_url
from nas_controller.store.bulk_insert import BulkInsert, CampaignRows
from nas_controller.store.database import Database
from nas_controller.store.downsampling import BEST_TRIALS
from tests.support.postgresql import Server
from tests.support.synthetic_campaigns import synthetic_spec

TRIALS = 20_000
POINTS = 1_000
AT = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class Large:
    """A store with one campaign of TRIALS trials; every fifth is a repeat, and the last one is in training."""

    store: Store
    campaign_id: str
    trials: list[dict[str, Any]]


def _rows(campaign_id: str) -> CampaignRows:
    random = np.random.default_rng(5)
    rewards = np.round(0.3 + 0.4 * random.random(TRIALS) * np.linspace(0.5, 1, TRIALS), 6)
    madds = 2_000_000 + random.integers(-20_000, 20_000, TRIALS)
    params = 4_000_000 + random.integers(-500_000, 500_000, TRIALS)
    ratios = np.round(1.0 + 0.1 * random.normal(size=TRIALS), 9)
    trials = []
    for number in range(TRIALS):
        repeats = number % 5 == 4
        over = number < TRIALS - 1
        trials.append(
            {
                "campaign_id": campaign_id, "number": number, "state": "completed" if over else "running",
                "reward": float(rewards[number]) if over else None, "choices": None, "log_probability": None,
                "betas": [1.0], "alphas": [1.0], "widths": [8], "madds": int(madds[number]),
                "params": int(params[number]), "madds_ratio": 1.0, "attempts": 0,
                "reused_from": number - 4 if repeats else None, "metrics": None, "started_at": AT,
                "latency_ratio": float(ratios[number]) if over and number % 11 else None,
                "finished_at": AT if over else None,
            }
        )  # fmt: skip
    campaign = {
        "id": campaign_id, "name": "large", "state": "completed", "spec": synthetic_spec().model_dump(mode="json"),
        "created_at": AT, "trials_begun": TRIALS, "trials_finished": TRIALS - 1, "last_event": 0, "lease_epoch": 0,
        "paused_seconds": 0.0, "device_seconds": 0.0, "trials_since_best": 0,
    }  # fmt: skip
    return CampaignRows(campaign, trials, [], [], [], None)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    if request.param == "sqlite":
        yield from _large(sqlite_url(Path(tmp_path_factory.mktemp("large")) / "effspine.db"))
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.fresh_database() as url:
        yield from _large(url)


def _large(url: str) -> Iterator[Large]:
    store, database = Store.open(url), Database(url)
    rows = _rows("c_large")
    bulk_insert = BulkInsert(database)
    bulk_insert.insert_campaign(rows)
    bulk_insert.vacuum_analyze()
    database.close()
    yield Large(store, "c_large", rows.trials)
    store.close()


def _finished(large: Large) -> list[dict[str, Any]]:
    return [trial for trial in large.trials if trial["reward"] is not None]


def _trained(large: Large) -> list[dict[str, Any]]:
    return [trial for trial in _finished(large) if trial["reused_from"] is None]


def test_progress_has_every_running_maximum(large: Large) -> None:
    figure = figures.compute(large.store, large.campaign_id, "progress", POINTS)
    best, records = -1.0, []
    best_after = {}
    for trial in _finished(large):
        if trial["reward"] > best:
            best = trial["reward"]
            records.append(trial["number"])
        best_after[trial["number"]] = best
    assert figure["of"] == TRIALS - 1
    assert len(records) > 5
    assert set(records) <= set(figure["number"])
    assert figure["best"] == [best_after[number] for number in figure["number"]]
    assert figure["reward"] == [large.trials[number]["reward"] for number in figure["number"]]
    assert figure["repeated"] == [number % 5 == 4 for number in figure["number"]]
    assert figure["number"] == sorted(set(figure["number"]))
    assert POINTS / 2 <= len(figure["number"]) <= POINTS + len(records)


@pytest.mark.parametrize("unit", ["madds", "params", "latency_ratio"])
def test_costs_have_the_best_trials_and_the_pareto_front(large: Large, unit: str) -> None:
    figure = figures.compute(large.store, large.campaign_id, f"{unit.removesuffix('_ratio')}-ap", POINTS)
    measured = [trial for trial in _trained(large) if trial[unit] is not None]
    ordered = sorted(measured, key=lambda trial: (-trial["reward"], trial["number"]))
    best = {trial["number"] for trial in ordered[:BEST_TRIALS]}
    front, least = set(), float("inf")
    for trial in sorted(ordered, key=lambda trial: (-trial["reward"], trial[unit], trial["number"])):
        if trial[unit] < least:
            least = trial[unit]
            front.add(trial["number"])
    shown = set(figure["number"])
    assert len(front) > 3
    assert best | front <= shown
    assert figure["of"] == len(ordered)
    assert figure["cost"] == [large.trials[number][unit] for number in figure["number"]]
    assert not any(number % 5 == 4 for number in shown)
    assert POINTS / 2 <= len(shown) <= POINTS + len(best | front)


def test_a_sample_is_spread_over_the_whole_campaign(large: Large) -> None:
    figure = figures.compute(large.store, large.campaign_id, "progress", POINTS)
    tenths = np.histogram(figure["number"], bins=10, range=(0, TRIALS))[0]
    assert tenths.min() > 0.7 * tenths.mean()


@pytest.mark.parametrize("name", ["progress", "madds-ap", "params-ap", "latency-ap", "widths", "curves", "policy"])
def test_no_figure_loads_a_whole_campaign(large: Large, name: str) -> None:
    figures.compute(large.store, large.campaign_id, name, POINTS)
    tracemalloc.start()
    large.store.reads.trial_columns(large.campaign_id, "number", "reward", "reused_from")
    whole = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    figures.compute(large.store, large.campaign_id, name, POINTS)
    sampled = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert sampled < whole / 3


@pytest.mark.parametrize("state", [None, "completed"])
@pytest.mark.parametrize("order", TRIAL_ORDERS)
def test_every_order_is_read_from_an_index(large: Large, order: TrialOrder, state: str | None) -> None:
    engine = large.store._database.engine
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append((statement, parameters))

    list_trials = partial(large.store.reads.trial_documents, large.campaign_id, state=state, order_by=order)
    cursor = list_trials(limit=500).next_cursor
    event.listen(engine, "before_cursor_execute", note)
    try:
        page = list_trials(limit=20, cursor=cursor)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(page.items) == 20
    statement, parameters = next(given for given in asked if " LIMIT " in given[0])
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    plan = "\n".join(str(row[-1]) for row in rows)
    if engine.dialect.name == "sqlite":
        assert "COVERING INDEX" in plan
        assert "SCAN trials" not in plan
        assert "TEMP B-TREE FOR ORDER BY" not in plan
    else:
        assert "Index Only Scan" in plan or "Index Scan" in plan
        assert "Seq Scan" not in plan
        assert not re.search(r"^\W*Sort  ", plan, re.MULTILINE)  # sorting only equal values is an Incremental Sort


@pytest.mark.parametrize("order", ["reward", "-reward", "-madds"])
def test_pages_are_ordered_and_complete(large: Large, order: TrialOrder) -> None:
    name, falling = order.removeprefix("-"), order.startswith("-")
    found, cursor = [], None
    while True:
        page = large.store.reads.trial_documents(large.campaign_id, order_by=order, limit=1_000, cursor=cursor)
        found += [trial["number"] for trial in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    def key(trial: dict[str, Any]) -> tuple[bool, float, int]:
        value = trial[name]
        return value is None, 0 if value is None else -value if falling else value, trial["number"]

    assert found == [trial["number"] for trial in sorted(large.trials, key=key)]
