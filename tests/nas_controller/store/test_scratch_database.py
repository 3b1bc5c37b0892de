"""A scratch database has the rows of a real one after the same writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nas_controller.store import Store, models, scratch_database, sqlite_url
from nas_controller.store.bulk_insert import CampaignRows
from nas_controller.store.database import Database
from nas_controller.store.scratch_database import ScratchDatabase
from tests.support.synthetic_campaigns import Clock, claimed_campaign, run_to_the_end, synthetic_spec

TRIALS = 40
COUNTING = {"policy": "factorised", "repeats": "count"}


def write_campaign(database: Database) -> None:
    """Runs a campaign with repeats to its end; its first runner is lost."""
    clock = Clock()
    store = Store(database, clock)
    spec = synthetic_spec(trials=TRIALS, parallelism=2, search_space={"searched_blocks": [5, 7]}, controller=COUNTING)
    campaign_id = store.service.create_campaign(spec, "c_1").id
    first = claimed_campaign(store, campaign_id)
    for _ in range(3):
        clock.advance(1)
        first.next_trial()
    run_to_the_end(claimed_campaign(store, campaign_id), seed=1, parallelism=2)


def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.reading() as session:
        return {
            table.name: [dict(row) for row in session.connection().execute(select(table)).mappings()]
            for table in models.Base.metadata.sorted_tables
        }


def test_the_rows_equal_those_of_a_real_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_database, "_PENDING_ROWS", 30)
    url = sqlite_url(tmp_path / "effspine.db")
    Store.open(url).close()
    real, scratch = Database(url), ScratchDatabase()
    write_campaign(real)
    write_campaign(scratch)
    expected, found = rows(real), rows(scratch)
    for name, members in expected.items():
        assert sorted(map(str, found[name])) == sorted(map(str, members)), name
    copied = scratch.campaign_rows()
    assert isinstance(copied, CampaignRows)
    assert [copied.campaign] == expected["campaigns"]
    assert len(copied.trials) == TRIALS
    assert any(trial["reused_from"] is not None for trial in copied.trials)
    assert copied.controller == expected["controller_states"][0]
    real.close()
    scratch.close()
