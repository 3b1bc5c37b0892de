"""Databases of earlier versions are brought to this one with all that is in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from nas_controller.campaign import Campaign, Failed, Rewarded
from nas_controller.replay import verify
from nas_controller.store import Store, sqlite_url
from nas_controller.store.database import Database
from nas_controller.store.models import Base
from nas_controller.store.schema import MIGRATIONS
from tests.nas_controller.synthetic_campaigns import synthetic_spec


@pytest.fixture
def source(tmp_path: Path) -> Store:
    return Store.open(sqlite_url(tmp_path / "source.db"))


def record_a_campaign(store: Store) -> str:
    """A campaign with a failed attempt, a trial given up, and one still in training; its id."""
    campaign_id = store.create_campaign(synthetic_spec(trials=6)).id
    campaign = Campaign(store, store.claim(campaign_id, "runner", 1e6))
    for outcome in (
        Failed("retry", "the worker died", "worker-killed", "last words"),
        Rewarded(0.25, {"ap": 0.25}),
        Failed("give_up", "the loss is not finite", "non-finite-loss"),
        Rewarded(0.5, {"ap": 0.5}),
    ):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, outcome)
    assert campaign.next_trial() is not None
    return campaign_id


def as_first_written(rows: list[dict[str, Any]], columns: set[str]) -> list[dict[str, Any]]:
    """Rows with the columns of the first schema alone, events without the kind of an error."""
    kept = [{name: value for name, value in row.items() if name in columns} for row in rows]
    for row in kept:
        if "sequence" in row and "data" in row:
            data = json.loads(row["data"])
            data.pop("kind", None)
            row["data"] = json.dumps(data)
    return kept


def copy_into_the_first_schema(source: Store, url: str) -> None:
    """Makes a database by the first migration alone and fills it with what the source holds."""
    target = Database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with target.writing() as writing, source._database.reading() as reading:
        connection = writing.connection()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table in Base.metadata.sorted_tables:
            columns = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table.name})")}
            rows = [dict(row._mapping) for row in reading.connection().execute(text(f"SELECT * FROM {table.name}"))]
            for row in as_first_written(rows, columns):
                names = ", ".join(f'"{name}"' for name in row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(text(f"INSERT INTO {table.name} ({names}) VALUES ({values})"), row)
    target.close()


def test_a_database_of_the_first_schema_keeps_its_record_and_goes_on(source: Store, database_url: str) -> None:
    campaign_id = record_a_campaign(source)
    copy_into_the_first_schema(source, database_url)
    upgraded = Store.open(database_url)
    assert upgraded.get_campaign(campaign_id) == source.get_campaign(campaign_id)
    retried, given_up = upgraded.get_trial(campaign_id, 0), upgraded.get_trial(campaign_id, 1)
    assert [(a.state, a.error, a.error_kind, a.log_tail) for a in retried.attempts] == [
        ("failed", "the worker died", None, None), ("accepted", None, None, None),
    ]  # fmt: skip
    assert given_up.trial.state == "failed"
    assert (given_up.trial.error, given_up.trial.error_kind) == ("the loss is not finite", None)
    assert retried.trial == source.get_trial(campaign_id, 0).trial
    assert verify(upgraded, campaign_id) == verify(source, campaign_id)

    campaign = Campaign(upgraded, upgraded.claim(campaign_id, "runner", 1e6))
    while not campaign.over:
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, Failed("give_up", "anew", "non-finite-loss", "new words"))
    assert upgraded.get_trial(campaign_id, 5).attempts[0].log_tail == "new words"
    verify(upgraded, campaign_id)
    upgraded.close()
    source.close()
