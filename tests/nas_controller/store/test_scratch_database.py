"""A scratch database gives the rows that a real one has after the same writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from nas_controller.store import Store, models, scratch_database, sqlite_url
from nas_controller.store.bulk_insert import CampaignRows
from nas_controller.store.database import Database
from nas_controller.store.scratch_database import ScratchDatabase
from tests.support.synthetic_campaigns import Clock, run_to_the_end, synthetic_spec, take_up

TRIALS = 40


def written(database: Database) -> None:
    """A campaign with repeats, run to its end by a runner that was lost and followed by another."""
    clock = Clock()
    store = Store(database, clock)
    spec = synthetic_spec(trials=TRIALS, parallelism=2, search_space={"searched_blocks": [5, 7]})
    campaign_id = store.service.create_campaign(spec, "c_1").id
    first = take_up(store, campaign_id)
    for _ in range(3):
        clock.advance(1)
        first.next_trial()
    run_to_the_end(take_up(store, campaign_id), seed=1, parallelism=2)


def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    with database.reading() as session:
        return {
            table.name: [dict(row) for row in session.connection().execute(select(table)).mappings()]
            for table in models.Base.metadata.sorted_tables
        }


def test_the_rows_are_those_of_a_real_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_database, "_PENDING_ROWS", 30)
    url = sqlite_url(tmp_path / "effspine.db")
    Store.open(url).close()
    real, scratch = Database(url), ScratchDatabase()
    written(real)
    written(scratch)
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
