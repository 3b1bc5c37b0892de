"""Totals for metrics are correct after every kind of write and equal in every process, and read no trial."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import event, func, select

from nas_controller.campaigns.campaign import Campaign
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import Lease, Store, models
from nas_controller.store.totals import QUEUE_BOUNDS_SECONDS
from tests.support.synthetic_campaigns import Clock, synthetic_spec

KILLED = Failed("retry", "the worker died", "worker-killed")


def claimed(store: Store, trials: int = 6, owner: str = "runner") -> tuple[str, Lease]:
    campaign_id = store.service.create_campaign(synthetic_spec(trials=trials)).id
    return campaign_id, store.runner.claim(campaign_id, owner, 100)


def counted(store: Store) -> dict[str, int]:
    """The trials by state, counted from the rows."""
    with store._database.reading() as session:
        rows = session.execute(select(models.Trial.state, func.count()).group_by(models.Trial.state)).all()
    return {"running": 0, "completed": 0, "failed": 0, "stopped": 0, **{row[0]: row[1] for row in rows}}


def test_an_empty_database_has_zero_in_every_state(store: Store) -> None:
    totals = store.reads.totals()
    assert set(totals.campaigns.values()) == set(totals.trials.values()) == {0}
    assert totals.queue_counts == (0,) * len(QUEUE_BOUNDS_SECONDS)
    assert totals.rewards_accepted == totals.workers_killed == totals.attempts_lost == 0


def test_trials_are_counted_by_state(store: Store) -> None:
    first, lease = claimed(store)
    campaign = Campaign(store, lease)
    for outcome in (Rewarded(0.2, {}), KILLED, Rewarded(0.3, {}), Failed("give_up", "no", "non-finite-loss")):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, outcome)
        assert store.reads.totals().trials == counted(store)
    campaign.next_trial()
    assert store.reads.totals().trials == counted(store)
    totals = store.reads.totals()
    assert (totals.trials["running"], totals.trials["failed"], totals.rewards_accepted) == (1, 1, 2)
    assert (totals.workers_killed, totals.attempts_lost) == (1, 0)
    campaign.end("failed", "enough")
    totals = store.reads.totals()
    assert totals.trials == counted(store)
    assert totals.campaigns["failed"] == 1
    assert totals.attempts_lost == 0  # abandoned with the campaign, not lost
    assert store.reads.get_campaign(first).state == "failed"


def test_late_and_duplicate_rewards_are_accepted_once(store: Store) -> None:
    _, lease = claimed(store)
    campaign = Campaign(store, lease)
    work = campaign.next_trial()
    assert work is not None
    campaign.complete(work, Rewarded(0.2, {}))
    campaign.complete(work, Rewarded(0.2, {}))
    assert store.reads.totals().rewards_accepted == 1


def test_attempts_that_were_lost_with_their_runner_are_counted(store: Store, clock: Clock) -> None:
    campaign_id, lease = claimed(store)
    Campaign(store, lease).next_trial()
    clock.advance(101)
    store.runner.claim(campaign_id, "another", 100)
    assert store.reads.totals().attempts_lost == 1


def test_the_queue_wait_is_from_creation_to_the_first_runner_without_pauses(store: Store, clock: Clock) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    clock.advance(3)
    store.service.request_pause(campaign_id)
    clock.advance(1_000)
    store.service.request_resume(campaign_id)
    clock.advance(5)
    assert store.reads.totals().queue_count == 0
    store.runner.claim(campaign_id, "runner", 10)
    clock.advance(20)
    store.runner.claim(campaign_id, "another", 10)  # only the first runner counts
    totals = store.reads.totals()
    assert (totals.queue_count, totals.queue_seconds) == (1, pytest.approx(8.0))
    assert dict(zip(QUEUE_BOUNDS_SECONDS, totals.queue_counts, strict=True))[5.0] == 0
    assert dict(zip(QUEUE_BOUNDS_SECONDS, totals.queue_counts, strict=True))[15.0] == 1


def test_the_queue_wait_of_a_draft_begins_with_its_start(store: Store, clock: Clock) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec(), draft=True).id
    clock.advance(1_000)
    store.service.start_campaign(campaign_id)
    clock.advance(5)
    store.runner.claim(campaign_id, "runner", 10)
    assert store.reads.totals().queue_seconds == pytest.approx(5.0)


def test_the_first_report_of_each_attempt_counts(store: Store, clock: Clock) -> None:
    _, lease = claimed(store)
    campaign = Campaign(store, lease)
    work = campaign.next_trial()
    assert work is not None
    clock.advance(4)
    store.runner.record_progress(lease, work.number, work.attempt, 1, 20, {"loss": 1.0})
    clock.advance(4)
    store.runner.record_progress(lease, work.number, work.attempt, 2, 20, {"loss": 1.0})
    totals = store.reads.totals()
    assert (totals.first_reports, totals.first_report_seconds) == (1, pytest.approx(4.0))
    store.runner.fail_attempt(lease, work.number, work.attempt, "died", "worker-killed")
    attempt = store.runner.start_attempt(lease, work.number).number
    store.runner.record_progress(
        lease, work.number, work.attempt, 3, 20, {"loss": 1.0}
    )  # a late report of the failed attempt
    clock.advance(2)
    store.runner.record_progress(lease, work.number, attempt, 1, 20, {"loss": 1.0})
    totals = store.reads.totals()
    assert (totals.first_reports, totals.first_report_seconds) == (2, pytest.approx(6.0))


def test_every_process_has_the_same_totals(store: Store, database_url: str) -> None:
    _, lease = claimed(store)
    campaign = Campaign(store, lease)
    work = campaign.next_trial()
    assert work is not None
    campaign.complete(work, Rewarded(0.2, {}))
    other = Store.open(database_url)
    assert other.reads.totals() == store.reads.totals()
    other.close()


def test_the_totals_read_no_trials(store: Store) -> None:
    """They take as long however many trials the campaigns have."""
    claimed(store)
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(store._database.engine, "before_cursor_execute", note)
    try:
        store.reads.totals()
    finally:
        event.remove(store._database.engine, "before_cursor_execute", note)
    selects = [statement for statement in statements if statement.startswith("SELECT")]
    assert len(selects) == 1
    others = models.Base.metadata.tables.keys() - {"campaigns", "finals"}  # `finals` is a column of campaigns, too
    assert not [table for table in others if re.search(rf"\b{table}\b", selects[0])]
