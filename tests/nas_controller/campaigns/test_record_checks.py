"""An edit of any column of a campaign's record is found, or the column is one that `verify` lists as not checked.

The columns come from the models, so a new one without a check fails here.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import JSON, Column, DateTime, Double, Integer

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.search.outcomes import Failed, Rewarded, TrialWork
from nas_controller.store import NotFoundError, Store, models, sqlite_url
from nas_controller.store.models import UtcDateTime
from tests.support.databases import migrated_sqlite
from tests.support.synthetic_campaigns import Clock, reward, synthetic_spec

DATA = {"sha256": "5" * 64, "train": {"images": 3}, "reserved": {"images": 1}}
TABLES = (models.Campaign, models.Trial, models.Attempt, models.Event, models.ControllerState)
COLUMNS = [
    pytest.param(model.__tablename__, column, id=f"{model.__tablename__}.{column.key}")
    for model in TABLES
    for column in model.__table__.columns
]


class Recorded(NamedTuple):
    """A campaign in a database file."""

    path: Path
    campaign_id: str


def record(store: Store, clock: Clock) -> str:
    """A campaign with everything that a record can hold: it was a draft, was changed, paused, waited, lost a runner,
    failed, was retried, and has failed again with a trial in training.
    """
    campaign_id = store.service.create_campaign(synthetic_spec(trials=9, retries=3), draft=True).id

    def claim() -> Campaign:
        clock.advance(3)
        return Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))

    def begin(campaign: Campaign) -> TrialWork:
        for _ in range(20):
            clock.advance(2)
            work = campaign.next_trial()
            if work is not None:
                return work
        raise AssertionError("nothing is left to train")

    def finish(campaign: Campaign, work: TrialWork) -> None:
        clock.advance(5)
        found = reward(campaign, work)
        campaign.complete(work, Rewarded(found.reward, {**found.metrics, "seconds": 5.0}, DATA))

    clock.advance(1)
    store.service.update_campaign(campaign_id, {"name": "second name"})
    clock.advance(1)
    store.service.start_campaign(campaign_id)
    campaign = claim()
    work = begin(campaign)
    campaign.complete(work, Failed("retry", "its worker died", "worker-killed", "the end of a log"))
    finish(campaign, begin(campaign))
    finish(campaign, begin(campaign))
    lost = begin(campaign)
    campaign = claim()  # the runner before was lost, with the attempt
    finish(campaign, begin(campaign))
    finish(campaign, lost)  # its result comes late
    campaign.complete(begin(campaign), Failed("give_up", "the loss is NaN", "non-finite-loss", "a log"))
    store.service.update_campaign(campaign_id, {"retries": 4, "share": 2})
    store.service.request_pause(campaign_id)
    clock.advance(4)
    store.runner.pause_campaign(campaign._lease)
    clock.advance(60)
    store.service.request_resume(campaign_id)
    campaign = claim()
    begin(campaign)
    store.runner.wait(campaign._lease, "data set 'digits' is away", "data-away")
    campaign = claim()
    again = begin(campaign)
    campaign.complete(again, Failed("stop", "image 17 is missing", "unreadable-image", data=DATA))
    clock.advance(30)
    store.service.request_retry(campaign_id)
    campaign = claim()
    finish(campaign, begin(campaign))
    finish(campaign, begin(campaign))
    clock.advance(2)
    campaign.complete(begin(campaign), Failed("stop", "image 18 is missing", "unreadable-image", data=DATA))
    return campaign_id


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    path = tmp_path_factory.mktemp("record") / "effspine.db"
    clock = Clock()
    with closing(Store.open(migrated_sqlite(path), clock)) as store:
        campaign_id = record(store, clock)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # the file alone is the database
    return Recorded(path, campaign_id)


@pytest.fixture
def recorded(original: Recorded, tmp_path: Path) -> Recorded:
    path = tmp_path / "copy.db"
    shutil.copyfile(original.path, path)
    return Recorded(path, original.campaign_id)


def differs(recorded: Recorded) -> bool:
    """Whether the replay finds a difference."""
    with closing(Store.open(sqlite_url(recorded.path))) as store:
        try:
            verify(store, recorded.campaign_id)
        except (ReplayError, NotFoundError):
            return True
        return False


def other_values(column: Column[Any], value: Any) -> Iterator[Any]:
    """Values, as SQLite has them, that the column could have instead."""
    if value is not None and column.nullable:
        yield None
    if isinstance(column.type, JSON):
        yield json.dumps([*json.loads(value), 1] if value and value.startswith("[") else {"other": 1})
    elif isinstance(column.type, (UtcDateTime, DateTime)):
        moment = datetime.fromisoformat(value or "2025-01-02 03:04:05.000000") + timedelta(microseconds=1)
        yield moment.isoformat(sep=" ", timespec="microseconds")
    elif isinstance(column.type, Double):
        yield 0.25 if value is None else value + 1e-12
    elif isinstance(column.type, Integer):
        yield 1 if value is None else value + 1
    else:
        yield f"{value or ''}x"


def rows_of(path: Path, table: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT rowid AS place, * FROM {table}")]


def write(path: Path, table: str, place: int, column: str, value: Any) -> None:
    """Changes one value behind the store's back; foreign keys are off, as for anybody who opens the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        done = connection.execute(f'UPDATE {table} SET "{column}" = ? WHERE rowid = ?', (value, place))
        assert done.rowcount == 1


def test_the_recorded_campaign_is_exact_and_has_everything(original: Recorded) -> None:
    with closing(Store.open(sqlite_url(original.path))) as store:
        verification = verify(store, original.campaign_id)
    kinds = {row["kind"] for row in rows_of(original.path, "events")}
    assert kinds == {
        "campaign.created", "campaign.updated", "campaign.submitted", "campaign.claimed", "campaign.identified",
        "campaign.pausing", "campaign.paused", "campaign.resumed", "campaign.waiting", "campaign.failed",
        "campaign.retried", "trial.begun", "trial.completed", "trial.failed", "trial.stopped", "attempt.started",
        "attempt.failed", "attempt.abandoned", "attempt.late",
    }  # fmt: skip
    trials = rows_of(original.path, "trials")
    assert {row["state"] for row in trials} == {"completed", "failed", "stopped"}
    assert any(row["reused_from"] is not None for row in trials)
    assert {row["state"] for row in rows_of(original.path, "attempts")} == {"accepted", "failed", "abandoned", "late"}
    assert "trials.alphas" in verification.checked
    assert "campaigns.spec" in verification.checked
    assert "attempts.log_tail" not in verification.checked


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_an_edit_of_a_column_is_found_or_the_column_is_listed(
    recorded: Recorded, table: str, column: Column[Any]
) -> None:
    with closing(Store.open(sqlite_url(recorded.path))) as store:
        checked = verify(store, recorded.campaign_id).checked
    is_checked = f"{table}.{column.key}" in checked
    edits = [(row["place"], row[column.key], other) for row in rows_of(recorded.path, table)
             for other in other_values(column, row[column.key])]  # fmt: skip
    assert edits
    for place, value, other in edits:
        if table == "events" and column.key in ("at", "data"):
            continue  # below: of some kinds nothing follows
        write(recorded.path, table, place, column.key, other)
        assert differs(recorded) == is_checked, f"{table}.{column.key} of row {place}: {value!r} became {other!r}"
        write(recorded.path, table, place, column.key, value)


UNCONFIRMED_TIMES = {
    "campaign.updated", "campaign.claimed", "campaign.pausing", "campaign.waiting", "campaign.identified",
}  # fmt: skip
UNCONFIRMED_DATA = {
    "campaign.updated.changes", "campaign.updated.spec_sha256", "campaign.claimed.owner", "campaign.pausing.mode",
    "campaign.paused.mode", "campaign.waiting.for", "campaign.waiting.kind", "campaign.created.spec_sha256",
}  # fmt: skip
WITHOUT_KEYS = {"campaign.submitted", "campaign.resumed"}


def test_an_edit_of_an_event_is_found_or_its_kind_is_listed(recorded: Recorded) -> None:
    with closing(Store.open(sqlite_url(recorded.path))) as store:
        listed = " ".join(part.what for part in verify(store, recorded.campaign_id).not_checked)
    missed = set()
    for row in rows_of(recorded.path, "events"):
        moment = datetime.fromisoformat(row["at"]) + timedelta(microseconds=1)
        write(recorded.path, "events", row["place"], "at", moment.isoformat(sep=" ", timespec="microseconds"))
        if not differs(recorded):
            missed.add(row["kind"])
        write(recorded.path, "events", row["place"], "at", row["at"])
        data = json.loads(row["data"])
        for name in data:
            for other in (None, {"x": [1]}, "other", -1):
                write(recorded.path, "events", row["place"], "data", json.dumps({**data, name: other}))
                if other != data[name] and not differs(recorded):
                    missed.add(f"{row['kind']}.{name}")
        write(recorded.path, "events", row["place"], "data", row["data"])
    assert missed <= UNCONFIRMED_TIMES | UNCONFIRMED_DATA
    for kind in missed:
        assert ".".join(kind.split(".")[:2]) in listed


def test_a_lost_or_added_row_is_found(recorded: Recorded) -> None:
    for table in ("trials", "attempts", "events", "controller_states"):
        for row in rows_of(recorded.path, table):
            copy = recorded.path.with_suffix(".edited")
            shutil.copyfile(recorded.path, copy)
            with closing(sqlite3.connect(copy)) as connection, connection:
                connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (row["place"],))
            assert differs(recorded._replace(path=copy)), f"{table}: row {row['place']}"
    with closing(sqlite3.connect(recorded.path)) as connection, connection:
        connection.execute(
            "INSERT INTO attempts (campaign_id, trial, number, state, epoch, started_at) "
            "SELECT campaign_id, trial, 99, state, epoch, started_at FROM attempts LIMIT 1"
        )
    assert differs(recorded)


@pytest.mark.parametrize(
    "path",
    [
        "proxy_task.seconds", "dataset", "seed", "trials", "parallelism", "controller.learning_rate", "share",
        "search_space.budget_madds", "resources.cpus", "stop", "retries", "max_failures", "early_stopping",
    ],
)  # fmt: skip
def test_an_edit_of_the_specification_is_found_at_the_event_that_wrote_it(recorded: Recorded, path: str) -> None:
    (row,) = rows_of(recorded.path, "campaigns")
    spec = json.loads(row["spec"])
    *outer, name = path.split(".")
    part = spec[outer[0]] if outer else spec
    part[name] = {"stop": {"device_hours": 1.0}, "early_stopping": {}, "dataset": "digits"}.get(path, 77)
    write(recorded.path, "campaigns", row["place"], "spec", json.dumps(spec))
    with closing(Store.open(sqlite_url(recorded.path))) as store:
        events = store.reads.events_after(recorded.campaign_id, 0, 1000)
        written = max(event.sequence for event in events if event.kind == "campaign.updated")
        with pytest.raises(ReplayError, match="specification") as caught:
            verify(store, recorded.campaign_id)
    assert caught.value.sequence == written


@pytest.mark.parametrize("text", ["", "[", "[]", "7", '{"number": "3"}'])
def test_a_value_of_any_shape_is_a_difference_and_no_other_error(recorded: Recorded, text: str) -> None:
    for table, column in (("events", "data"), ("trials", "alphas"), ("campaigns", "spec"), ("attempts", "metrics")):
        for row in rows_of(recorded.path, table):
            if row[column] is not None:
                write(recorded.path, table, row["place"], column, text)
                is_object = text.startswith("{")  # one with a key that its kind of event does not have
                assert differs(recorded) or (is_object and row.get("kind") in WITHOUT_KEYS), (row, text)
                write(recorded.path, table, row["place"], column, row[column])


def test_a_state_changed_to_another_valid_one_is_found(recorded: Recorded) -> None:
    for table, states in (
        ("campaigns", ("completed", "stopped", "paused", "running")),
        ("trials", ("completed", "failed", "stopped", "running")),
        ("attempts", ("accepted", "failed", "abandoned", "late", "running")),
    ):
        for row in rows_of(recorded.path, table):
            for state in states:
                if state != row["state"]:
                    write(recorded.path, table, row["place"], "state", state)
                    assert differs(recorded), f"{table}: {row['state']} became {state}"
            write(recorded.path, table, row["place"], "state", row["state"])


def test_a_record_is_exact_on_every_kind_of_database(store: Store, clock: Clock) -> None:
    assert verify(store, record(store, clock)).trials_finished >= 6
