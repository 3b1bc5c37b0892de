"""Databases of earlier versions are migrated to this one without loss."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import Store, models, sqlite_url
from nas_controller.store.database import Database
from nas_controller.store.models import Base
from nas_controller.store.schema import HEAD, current_revision
from nas_controller.store.trial_outcomes import digest_of
from tests.support.earlier_databases import copy_into_schema
from tests.support.recorded_finals import recorded_finals
from tests.support.synthetic_campaigns import LONG_AGO, Clock, synthetic_spec


@pytest.fixture
def source(tmp_path: Path) -> Store:
    return Store.open(sqlite_url(tmp_path / "source.db"))


def record_campaign(store: Store) -> str:
    """Records a campaign with a failed attempt, a trial given up, and one in training; its id."""
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
        campaign.begun(work, LONG_AGO)
        campaign.complete(work, outcome)
    last = campaign.next_trial()
    assert last is not None
    campaign.begun(last, LONG_AGO)
    return campaign_id


def test_a_database_of_the_first_schema_is_migrated_and_its_campaign_continues(
    source: Store, empty_database_url: str
) -> None:
    campaign_id = record_campaign(source)
    copy_into_schema("0001", source, empty_database_url)
    upgraded = Store.open(empty_database_url)
    assert upgraded.reads.get_campaign(campaign_id) == source.reads.get_campaign(campaign_id)
    assert upgraded.reads.get_campaign(campaign_id).device_seconds > 0  # summed over the attempts
    retried, given_up = upgraded.reads.get_trial(campaign_id, 0), upgraded.reads.get_trial(campaign_id, 1)
    assert [(a.state, a.error, a.error_kind, a.log_tail) for a in retried.attempts] == [
        ("failed", "the worker died", None, None), ("accepted", None, None, None),
    ]  # fmt: skip
    assert given_up.trial.state == "failed"
    assert (given_up.trial.error, given_up.trial.error_kind) == ("the loss is not finite", None)
    assert retried.trial == source.reads.get_trial(campaign_id, 0).trial
    before, after = verify(source, campaign_id), verify(upgraded, campaign_id)
    assert replace(after, checked=before.checked, not_checked=before.not_checked) == before
    assert set(before.checked) - set(after.checked) == {
        "campaigns.spec", "campaigns.trials_since_best", "campaigns.attempts_lost", "campaigns.failures",
        "campaigns.consecutive_failures",
    }  # fmt: skip
    assert "metrics of 2 outcomes" in {part.what for part in after.not_checked}

    campaign = Campaign(upgraded, upgraded.runner.claim(campaign_id, "runner", 1e6))
    while not campaign.over:
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, Failed("give_up", "new error", "non-finite-loss", "new log"))
    assert upgraded.reads.get_trial(campaign_id, 5).attempts[0].log_tail == "new log"
    verify(upgraded, campaign_id)

    assert not upgraded.service.has_keys()
    record, key = upgraded.service.create_key("ops", "operate")
    token = upgraded.service.create_session(record.id, timedelta(hours=1))
    assert upgraded.service.identify_key(key) == upgraded.service.identify_session(token) == record
    upgraded.close()
    source.close()


def test_the_migration_fills_counts_that_an_earlier_schema_lacks(source: Store, empty_database_url: str) -> None:
    campaign_id = record_campaign(source)
    source.runner.release(campaign_id, "runner")
    source.runner.claim(campaign_id, "another", 1e6)
    copy_into_schema("0005", source, empty_database_url)
    upgraded = Store.open(empty_database_url)
    totals = upgraded.reads.totals()
    assert totals == source.reads.totals()
    assert (totals.rewards_accepted, totals.workers_killed, totals.attempts_lost, totals.queue_count) == (2, 1, 1, 1)
    assert totals.trials["failed"] == 1
    assert failure_counts(upgraded, campaign_id) == failure_counts(source, campaign_id) == (1, 0)
    upgraded.close()
    source.close()


def test_failures_in_a_row_are_counted_from_the_last_reward_on(source: Store, empty_database_url: str) -> None:
    campaign_id = source.service.create_campaign(synthetic_spec(trials=8)).id
    campaign = Campaign(source, source.runner.claim(campaign_id, "runner", 1e6))
    failed = Failed("give_up", "the loss is not finite", "non-finite-loss")
    for outcome in (Rewarded(0.25, {}), failed, Rewarded(0.5, {}), failed, failed):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, outcome)
    copy_into_schema("0008", source, empty_database_url)
    upgraded = Store.open(empty_database_url)
    assert failure_counts(upgraded, campaign_id) == failure_counts(source, campaign_id) == (3, 2)
    upgraded.close()
    source.close()


@pytest.mark.parametrize(
    ("stored", "overrides"),
    [
        ({"profile": "laptop"}, {"shared_steps": 900, "steps": 250, "ema_decay": 0.98, "shared_ema_decay": 0.0}),
        (
            {"profile": "laptop", "start_steps": 60, "start_learning_rate": 0.5, "start_seed": 3, "steps": 40},
            {"shared_steps": 60, "shared_learning_rate": 0.5, "shared_seed": 3, "steps": 40, "kind": "shared"},
        ),
        ({"profile": "laptop", "start_steps": 0}, {"shared_steps": 0, "kind": "detection", "steps": 250}),
    ],
)
def test_a_specification_of_an_earlier_version_keeps_its_meaning_and_its_digest(
    source: Store, empty_database_url: str, stored: dict[str, Any], overrides: dict[str, Any]
) -> None:
    campaign_id = source.service.create_campaign(synthetic_spec(dataset="digits"), draft=True).id
    with source._database.writing() as session:
        row = session.get_one(models.Campaign, campaign_id)
        row.spec = {**row.spec, "proxy_task": stored}
        created = session.get_one(models.Event, (campaign_id, 1))
        created.data = {**created.data, "spec_sha256": digest_of(row.spec)}
    copy_into_schema("0009", source, empty_database_url)
    upgraded = Store.open(empty_database_url)
    task = upgraded.reads.get_campaign(campaign_id).spec.proxy_task.resolve()
    assert {name: getattr(task, name) for name in overrides} == overrides
    assert "campaigns.spec" in verify(upgraded, campaign_id).checked

    upgraded.service.update_campaign(campaign_id, {"trials": 9})
    assert upgraded.reads.get_campaign(campaign_id).spec.proxy_task.resolve() == task
    upgraded.service.start_campaign(campaign_id)
    assert "campaigns.spec" in verify(upgraded, campaign_id).checked
    upgraded.close()
    source.close()


def test_a_failed_shared_training_of_an_earlier_version_has_no_log(source: Store, empty_database_url: str) -> None:
    campaign_id = source.service.create_campaign(synthetic_spec(trials=2)).id
    lease = source.runner.claim(campaign_id, "runner", 1e6)
    source.runner.start_shared_training(lease, 20, 1.0)
    source.runner.fail_shared_training(lease, "its worker died", "worker-killed")
    with source._database.writing() as session:
        row = session.get_one(models.Campaign, campaign_id)
        assert row.shared_training is not None
        later = ("log_tail", "worker_started_at", "devices")
        row.shared_training = {name: value for name, value in row.shared_training.items() if name not in later}
        for event in session.scalars(select(models.Event).where(models.Event.kind.startswith("shared-training."))):
            event.data = {name: value for name, value in event.data.items() if name != "devices"}
    copy_into_schema("0012", source, empty_database_url)
    upgraded = Store.open(empty_database_url)
    training = upgraded.reads.get_campaign(campaign_id).shared_training
    assert training is not None
    assert (training.error, training.log_tail) == ("its worker died", None)
    assert training.worker_started_at == training.started_at
    verify(upgraded, campaign_id)
    upgraded.close()
    source.close()


def test_the_finals_of_an_earlier_version_rank_their_winner_first_and_nothing_else(
    source: Store, empty_database_url: str, clock: Clock
) -> None:
    *_, campaign_id = recorded_finals(source, clock)
    with source._database.writing() as session:
        row = session.get_one(models.Campaign, campaign_id)
        assert row.finals is not None
        row.finals = {name: value for name, value in row.finals.items() if name != "best"}
        events = select(models.Event).where(models.Event.kind == "finals.completed")
        for event in session.scalars(events):
            event.data = {name: value for name, value in event.data.items() if name != "best"}
    copy_into_schema("0013", source, empty_database_url)
    upgraded = Store.open(empty_database_url)
    finals = upgraded.reads.get_campaign(campaign_id).finals
    assert finals is not None
    assert (finals.state, finals.best) == ("completed", finals.winner)
    with source._database.reading() as before, upgraded._database.reading() as after:
        gain = before.get_one(models.Campaign, campaign_id).finals_gain
        assert gain is not None
        assert after.get_one(models.Campaign, campaign_id).finals_gain == pytest.approx(gain)
    verify(upgraded, campaign_id)
    upgraded.close()
    source.close()


def failure_counts(store: Store, campaign_id: str) -> tuple[int, int]:
    with store._database.reading() as session:
        row = session.get_one(models.Campaign, campaign_id)
        return row.failures, row.consecutive_failures


def test_the_migrated_schema_equals_the_models(empty_database_url: str) -> None:
    Store.open(empty_database_url).close()
    Store.open(empty_database_url).close()  # the second time changes nothing
    database = Database(empty_database_url)
    with database.reading() as session:
        assert current_revision(session.connection()) == HEAD
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()
