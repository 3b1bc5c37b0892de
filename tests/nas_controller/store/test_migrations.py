"""Databases of earlier versions are brought to this one with all that is in them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import column, inspect, select, table

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import Store, sqlite_url
from nas_controller.store.database import Database
from nas_controller.store.models import Base
from nas_controller.store.schema import HEAD, MIGRATIONS, current_revision
from tests.support.synthetic_campaigns import synthetic_spec


@pytest.fixture
def source(tmp_path: Path) -> Store:
    return Store.open(sqlite_url(tmp_path / "source.db"))


def record_a_campaign(store: Store) -> str:
    """A campaign with a failed attempt, a trial given up, and one still in training; its id."""
    campaign_id = store.service.create_campaign(synthetic_spec(trials=6)).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
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


def as_first_written(row: dict[str, Any], columns: set[str]) -> dict[str, Any]:
    """A row with the columns of the first schema alone, an event without the kind of an error."""
    kept = {name: value for name, value in row.items() if name in columns}
    if "sequence" in kept and "data" in kept:
        kept["data"] = {name: value for name, value in kept["data"].items() if name != "kind"}
    return kept


def copy_into_schema(revision: str, source: Store, url: str) -> None:
    """Makes a database by the migrations up to a revision and fills it with what the source holds."""
    target = Database(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with target.writing() as writing, source._database.reading() as reading:
        connection = writing.connection()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = inspect(connection).get_table_names()
        for model in Base.metadata.sorted_tables:
            if model.name not in tables:
                continue  # that schema had no such table
            columns = {column["name"] for column in inspect(connection).get_columns(model.name)}
            # Of the same types, but without the defaults that today's models have.
            first = table(model.name, *(column(c.name, c.type) for c in model.columns if c.name in columns))
            for row in reading.execute(select(model)):
                values = dict(row._mapping)
                if revision == "0001":
                    values = as_first_written(values, columns)
                connection.execute(first.insert().values({name: values[name] for name in columns}))
    target.close()


def test_a_database_of_the_first_schema_keeps_its_record_and_goes_on(source: Store, database_url: str) -> None:
    campaign_id = record_a_campaign(source)
    copy_into_schema("0001", source, database_url)
    upgraded = Store.open(database_url)
    assert upgraded.reads.get_campaign(campaign_id) == source.reads.get_campaign(campaign_id)
    assert upgraded.reads.get_campaign(campaign_id).device_seconds > 0  # added up from the attempts
    retried, given_up = upgraded.reads.get_trial(campaign_id, 0), upgraded.reads.get_trial(campaign_id, 1)
    assert [(a.state, a.error, a.error_kind, a.log_tail) for a in retried.attempts] == [
        ("failed", "the worker died", None, None), ("accepted", None, None, None),
    ]  # fmt: skip
    assert given_up.trial.state == "failed"
    assert (given_up.trial.error, given_up.trial.error_kind) == ("the loss is not finite", None)
    assert retried.trial == source.reads.get_trial(campaign_id, 0).trial
    assert verify(upgraded, campaign_id) == verify(source, campaign_id)

    campaign = Campaign(upgraded, upgraded.runner.claim(campaign_id, "runner", 1e6))
    while not campaign.over:
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, Failed("give_up", "anew", "non-finite-loss", "new words"))
    assert upgraded.reads.get_trial(campaign_id, 5).attempts[0].log_tail == "new words"
    verify(upgraded, campaign_id)

    assert not upgraded.service.has_keys()
    record, key = upgraded.service.create_key("ops", "operate")
    token = upgraded.service.create_session(record.id, timedelta(hours=1))
    assert upgraded.service.identify_key(key) == upgraded.service.identify_session(token) == record
    upgraded.close()
    source.close()


def test_what_an_earlier_record_has_not_counted_is_counted(source: Store, database_url: str) -> None:
    campaign_id = record_a_campaign(source)
    source.runner.release(campaign_id, "runner")
    source.runner.claim(campaign_id, "another", 1e6)
    copy_into_schema("0005", source, database_url)
    upgraded = Store.open(database_url)
    totals = upgraded.reads.totals()
    assert totals == source.reads.totals()
    assert (totals.rewards_accepted, totals.workers_killed, totals.attempts_lost, totals.queue_count) == (2, 1, 1, 1)
    assert totals.trials["failed"] == 1
    upgraded.close()
    source.close()


def test_the_migrations_end_at_the_tables_of_the_models(database_url: str) -> None:
    Store.open(database_url).close()
    Store.open(database_url).close()  # a second time changes nothing
    database = Database(database_url)
    with database.reading() as session:
        assert current_revision(session.connection()) == HEAD
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()
