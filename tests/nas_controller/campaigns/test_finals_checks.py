"""An edit of the record of finals is found, or it is of something that `verify` lists as not checked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column

from nas_controller.campaigns.replay import verify
from nas_controller.store import Store, models
from tests.support.edited_records import Recorded, opened_copy, other_values, recorded_original
from tests.support.recorded_finals import recorded_finals
from tests.support.synthetic_campaigns import Clock


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return recorded_original(tmp_path_factory.mktemp("record"), recorded_finals)


@pytest.fixture
def recorded(original: tuple[Path, str], tmp_path: Path) -> Iterator[Recorded]:
    with opened_copy(original, tmp_path) as copy:
        yield copy


def test_the_recorded_finals_have_everything(recorded: Recorded) -> None:
    kinds = {row["kind"] for row in recorded.rows("events")}
    assert {kind for kind in kinds if kind.startswith("final")} == {
        "finals.started", "finals.identified", "finals.completed", "final.begun", "final.completed", "final.failed",
        "final.abandoned",
    }  # fmt: skip
    assert "campaign.continued" in kinds
    assert {row["state"] for row in recorded.rows("finals")} == {"completed", "failed"}


def test_a_record_with_finals_is_exact_after_every_step_on_every_kind_of_database(store: Store, clock: Clock) -> None:
    states = []
    for campaign_id in recorded_finals(store, clock):
        verify(store, campaign_id)
        record = store.reads.get_campaign(campaign_id)
        assert record.finals is not None
        states.append((record.state, record.finals.state))
    running, over = ("running", "running"), ("completed", "completed")
    assert states == [
        *[running] * 5, ("failed", "interrupted"), running, over, running, over, ("running", "completed"), running, over
    ]  # fmt: skip


@pytest.mark.parametrize("column", models.Final.__table__.columns, ids=lambda column: column.key)
def test_an_edit_of_a_training_is_found_or_its_column_is_listed(recorded: Recorded, column: Column[Any]) -> None:
    is_checked = f"finals.{column.key}" in verify(recorded.store, recorded.campaign_id).checked
    for row in recorded.first_and_last("finals"):
        for other in other_values(column, row[column.key]):
            recorded.write("finals", row["row_id"], column.key, other)
            assert recorded.differs() == is_checked, f"{row[column.key]!r} became {other!r}"
            recorded.write("finals", row["row_id"], column.key, row[column.key])


def test_an_edit_of_any_field_of_the_finals_is_found(recorded: Recorded) -> None:
    (row,) = recorded.rows("campaigns")
    finals = json.loads(row["finals"])
    for name, value in finals.items():
        other = value + 1 if type(value) in (int, float) else [] if value == 0 else "2025-01-02T03:04:05Z"
        recorded.write("campaigns", row["row_id"], "finals", json.dumps({**finals, name: other}))
        assert recorded.differs(), name
    recorded.write("campaigns", row["row_id"], "finals", json.dumps({**finals, "further": None}))
    assert recorded.differs()


UNCONFIRMED = {
    "final.failed.error", "final.failed.kind", "final.failed.at", "finals.started.at",
    "finals.completed.at", "finals.identified.at", "final.abandoned.at",
}  # fmt: skip
"""What nothing else follows from, where the training succeeds or fails again later."""


def test_an_edit_of_an_event_of_finals_is_found_or_its_kind_is_listed(recorded: Recorded) -> None:
    listed = " ".join(part.what for part in verify(recorded.store, recorded.campaign_id).not_checked)
    missed = set()
    for row in recorded.first_and_last("events"):
        if not row["kind"].startswith("final") and row["kind"] != "campaign.continued":
            continue
        moment = datetime.fromisoformat(row["at"]) + timedelta(microseconds=1)
        recorded.write("events", row["row_id"], "at", moment.isoformat(sep=" ", timespec="microseconds"))
        if not recorded.differs():
            missed.add(f"{row['kind']}.at")
        recorded.write("events", row["row_id"], "at", row["at"])
        data = json.loads(row["data"])
        for name in data:
            for other in (None, {"x": [1]}):
                recorded.write("events", row["row_id"], "data", json.dumps({**data, name: other}))
                if other != data[name] and not recorded.differs():
                    missed.add(f"{row['kind']}.{name}")
        recorded.write("events", row["row_id"], "data", row["data"])
    assert missed == UNCONFIRMED
    for kind in missed:
        assert ".".join(kind.split(".")[:2]) in listed


def test_a_training_that_is_lost_or_added_is_found(recorded: Recorded) -> None:
    for row in recorded.rows("finals"):
        names = ", ".join(f'"{name}"' for name in row if name != "row_id")
        with closing(sqlite3.connect(recorded.path, isolation_level=None)) as connection:
            connection.execute(f"CREATE TEMPORARY TABLE lost AS SELECT * FROM finals WHERE rowid = {row['row_id']}")
            connection.execute(
                f"INSERT INTO finals ({names}) SELECT {names.replace(chr(34) + 'seed' + chr(34), '99')} FROM lost"
            )
            assert recorded.differs()
            connection.execute("DELETE FROM finals WHERE seed = 99")
            connection.execute(f"DELETE FROM finals WHERE rowid = {row['row_id']}")
            assert recorded.differs()
            connection.execute(f"INSERT INTO finals ({names}) SELECT {names} FROM lost")
    assert not recorded.differs()
