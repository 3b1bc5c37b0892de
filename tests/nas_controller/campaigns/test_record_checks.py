"""An edit of any column of a campaign's record is found, or the column is one that `verify` lists as not checked.

The columns come from the models, so a new one without a check fails here.
"""

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

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.store import Store, models
from tests.support.edited_records import Recorded, opened_copy, other_values, recorded_original
from tests.support.recorded_steps import SPEC, recorded_steps
from tests.support.synthetic_campaigns import Clock

TABLES = (models.Campaign, models.Trial, models.Attempt, models.Event, models.ControllerState)
COLUMNS = [
    pytest.param(model.__tablename__, column, id=f"{model.__tablename__}.{column.key}")
    for model in TABLES
    for column in model.__table__.columns
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return recorded_original(tmp_path_factory.mktemp("record"), recorded_steps)


@pytest.fixture
def recorded(original: tuple[Path, str], tmp_path: Path) -> Iterator[Recorded]:
    with opened_copy(original, tmp_path) as copy:
        yield copy


def test_the_recorded_campaign_is_exact_and_has_everything(recorded: Recorded) -> None:
    verification = verify(recorded.store, recorded.campaign_id)
    kinds = {row["kind"] for row in recorded.rows("events")}
    assert kinds == {
        "campaign.created", "campaign.updated", "campaign.submitted", "campaign.claimed", "campaign.identified",
        "campaign.pausing", "campaign.paused", "campaign.resumed", "campaign.waiting", "campaign.failed",
        "campaign.retried", "trial.begun", "trial.completed", "trial.failed", "trial.stopped", "attempt.started",
        "attempt.failed", "attempt.abandoned", "attempt.late", "shared-training.started", "shared-training.failed",
        "shared-training.abandoned", "shared-training.completed",
    }  # fmt: skip
    trials = recorded.rows("trials")
    assert {row["state"] for row in trials} == {"completed", "failed", "stopped"}
    assert any(row["reused_from"] is not None for row in trials)
    assert {row["state"] for row in recorded.rows("attempts")} == {"accepted", "failed", "abandoned", "late"}
    assert "trials.alphas" in verification.checked
    assert {"campaigns.spec", "campaigns.shared_training"} <= set(verification.checked)
    assert "attempts.log_tail" not in verification.checked


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_an_edit_of_a_column_is_found_or_the_column_is_listed(
    recorded: Recorded, table: str, column: Column[Any]
) -> None:
    checked = verify(recorded.store, recorded.campaign_id).checked
    is_checked = f"{table}.{column.key}" in checked
    edits = [(row["row_id"], row[column.key], other) for row in recorded.first_and_last(table)
             for other in other_values(column, row[column.key])]  # fmt: skip
    assert edits
    for row_id, value, other in edits:
        if table == "events" and column.key in ("at", "data"):
            continue  # below: of some kinds nothing follows
        recorded.write(table, row_id, column.key, other)
        assert recorded.differs() == is_checked, f"{table}.{column.key} of row {row_id}: {value!r} became {other!r}"
        recorded.write(table, row_id, column.key, value)


UNCONFIRMED = {
    "campaign.updated.at", "campaign.claimed.at", "campaign.pausing.at", "campaign.waiting.at",
    "campaign.identified.at", "trial.stopped.at", "attempt.abandoned.at",
    "campaign.created.name", "campaign.created.spec_sha256", "campaign.updated.spec_sha256",
    "campaign.claimed.owner", "campaign.waiting.for", "campaign.waiting.kind", "campaign.failed.error",
    "campaign.failed.kind", "shared-training.started.at", "shared-training.failed.at", "shared-training.failed.error",
    "shared-training.abandoned.at",
}  # fmt: skip
"""What nothing else in the record follows from, where another event of the kind comes later."""


def test_an_edit_of_an_event_is_found_or_its_kind_is_listed(recorded: Recorded) -> None:
    listed = " ".join(part.what for part in verify(recorded.store, recorded.campaign_id).not_checked)
    missed = set()
    for row in recorded.first_and_last("events"):
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


@pytest.mark.parametrize("table", ["trials", "attempts", "events", "controller_states"])
def test_a_row_that_is_lost_or_stands_twice_is_found(recorded: Recorded, table: str) -> None:
    key = {"trials": "number", "attempts": "number", "events": "sequence", "controller_states": "campaign_id"}[table]
    for row in recorded.rows(table):
        names = ", ".join(f'"{name}"' for name in row if name != "row_id")
        others = names.replace(f'"{key}"', "99", 1)
        with closing(sqlite3.connect(recorded.path, isolation_level=None)) as connection:
            connection.execute(
                "CREATE TEMPORARY TABLE lost AS SELECT * FROM " + f"{table} WHERE rowid = {row['row_id']}"
            )
            if table in ("trials", "attempts"):
                connection.execute(f"INSERT INTO {table} ({names}) SELECT {others} FROM lost")
                assert recorded.differs()
                connection.execute(f"DELETE FROM {table} WHERE {key} = 99")
            connection.execute(f"DELETE FROM {table} WHERE rowid = {row['row_id']}")
            assert recorded.differs(), row
            connection.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM lost")
    assert not recorded.differs()


@pytest.mark.parametrize(
    "path",
    [
        "proxy_task.seconds", "dataset", "seed", "trials", "parallelism", "finals", "controller.learning_rate", "share",
        "search_space.budget_madds", "resources.cpus", "stop", "retries", "max_failures", "early_stopping",
    ],
)  # fmt: skip
def test_an_edit_of_the_specification_is_found_at_the_event_that_wrote_it(recorded: Recorded, path: str) -> None:
    (row,) = recorded.rows("campaigns")
    spec = json.loads(row["spec"])
    *outer, name = path.split(".")
    part = spec[outer[0]] if outer else spec
    part[name] = {"stop": {"device_hours": 1.0}, "early_stopping": {}, "dataset": "digits", "finals": {}}.get(path, 77)
    recorded.write("campaigns", row["row_id"], "spec", json.dumps(spec))
    events = recorded.store.reads.events_after(recorded.campaign_id, 0, 1000)
    written = max(event.sequence for event in events if event.kind == "campaign.updated")
    with pytest.raises(ReplayError, match="specification") as caught:
        verify(recorded.store, recorded.campaign_id)
    assert caught.value.sequence == written


def test_an_edit_of_the_shared_training_is_found_or_its_field_is_listed(recorded: Recorded) -> None:
    missed = set()
    (row,) = recorded.rows("campaigns")
    training = json.loads(row["shared_training"])
    for name, value in training.items():
        other = value + 1 if type(value) in (int, float) else "2025-01-02T03:04:05Z"
        recorded.write("campaigns", row["row_id"], "shared_training", json.dumps({**training, name: other}))
        if not recorded.differs():
            missed.add(name)
    recorded.write("campaigns", row["row_id"], "shared_training", row["shared_training"])
    assert missed == {"step", "loss", "seconds", "worker_started_at", "log_tail"}
    listed = {part.what for part in verify(recorded.store, recorded.campaign_id).not_checked}
    progress = "step, loss, seconds and worker_started_at in campaigns.shared_training"
    assert {progress, "log_tail in campaigns.shared_training"} <= listed
    recorded.write("campaigns", row["row_id"], "shared_training", json.dumps({**training, "further": None}))
    assert recorded.differs()


WITHOUT_KEYS = ("campaign.submitted", "campaign.resumed", "campaign.failed")
"""Kinds of events of which no key is needed."""


@pytest.mark.parametrize("text", ["", "[]", "7", '{"number": "3"}'])
def test_a_value_of_any_shape_is_a_difference_and_no_other_error(recorded: Recorded, text: str) -> None:
    for table, column in (("events", "data"), ("trials", "alphas"), ("campaigns", "spec"), ("attempts", "metrics")):
        for row in recorded.first_and_last(table):
            if row[column] is not None:
                recorded.write(table, row["row_id"], column, text)
                is_other_key = text.startswith("{") and row.get("kind") in WITHOUT_KEYS
                assert recorded.differs() or is_other_key, (row, text)
                recorded.write(table, row["row_id"], column, row[column])


def test_a_state_changed_to_another_valid_one_is_found(recorded: Recorded) -> None:
    for table, states in (
        ("campaigns", ("completed", "stopped", "paused", "running")),
        ("trials", ("completed", "failed", "stopped", "running")),
        ("attempts", ("accepted", "failed", "abandoned", "late", "running")),
    ):
        for row in recorded.rows(table):
            for state in states:
                if state != row["state"]:
                    recorded.write(table, row["row_id"], "state", state)
                    assert recorded.differs(), f"{table}: {row['state']} became {state}"
            recorded.write(table, row["row_id"], "state", row["state"])


def test_a_record_is_exact_after_every_step_on_every_kind_of_database(store: Store, clock: Clock) -> None:
    states = []
    for campaign_id in recorded_steps(store, clock):
        verify(store, campaign_id)
        states.append(store.reads.get_campaign(campaign_id).state)
    assert states == (
        ["draft"] * 2 + ["pending"] + ["running"] * 9 + ["pausing", "paused"] + ["running"] * 3 + ["failed", "running"]
        + ["failed"]
    )  # fmt: skip


@pytest.mark.parametrize("is_draft", [True, False])
def test_a_campaign_that_is_stopped_before_it_runs_is_exact(store: Store, clock: Clock, is_draft: bool) -> None:
    campaign_id = store.service.create_campaign(SPEC, draft=is_draft).id
    assert verify(store, campaign_id).events == 1
    clock.advance(1)
    if not is_draft:
        store.service.request_pause(campaign_id, "abort")
        verify(store, campaign_id)
        clock.advance(1)
    store.service.request_stop(campaign_id)
    verify(store, campaign_id)


def test_a_running_campaign_that_is_stopped_is_exact_all_the_way(store: Store, clock: Clock) -> None:
    campaign_id = store.service.create_campaign(SPEC).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    campaign.next_trial()
    for request in (
        lambda: store.service.request_pause(campaign_id),
        lambda: store.service.request_pause(campaign_id, "abort"),
        lambda: store.service.request_resume(campaign_id),
        lambda: store.service.request_stop(campaign_id),
        lambda: campaign.end("stopped"),
    ):
        clock.advance(1)
        request()
        verify(store, campaign_id)
    assert store.reads.get_campaign(campaign_id).state == "stopped"
