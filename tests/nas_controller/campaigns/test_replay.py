"""The replay detects changes of the database, at the first event that differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.search.outcomes import Rewarded
from nas_controller.search.proposals import Search, SpaceExhaustedError, TrialProposal
from nas_controller.store import Store, models
from tests.support.synthetic_campaigns import claimed_campaign, create, run_to_the_end

Change = Callable[[Session], int]
"""Changes rows directly and returns how many."""


def by_statement(statement: str) -> Change:
    return lambda session: session.connection().exec_driver_sql(statement).rowcount


def of_event(kind: str, number: int, **data: Any) -> Change:
    def change(session: Session) -> int:
        rows = [row for row in session.scalars(select(models.Event)) if row.kind == kind]
        matching = [row for row in rows if row.data["number"] == number]
        for row in matching:
            row.data = {**row.data, **data}
        return len(matching)

    return change


@pytest.mark.parametrize(
    ("change", "sequence_of", "message"),
    [
        (by_statement("UPDATE trials SET reward = reward + 1e-15 WHERE number = 3"), "trial.completed", "reward"),
        (by_statement("UPDATE trials SET choices = '[0,1]' WHERE number = 3"), "trial.begun", "choices"),
        (
            by_statement("UPDATE trials SET log_probability = log_probability + 1e-13 WHERE number = 3"),
            "trial.begun",
            "log_prob",
        ),
        (of_event("trial.completed", 3, reward=0.125), "trial.completed", "reward"),
        (of_event("trial.begun", 3, draw=1), "trial.begun", "draw"),
    ],
    ids=["reward", "choices", "log probability", "event's reward", "event's draw"],
)
def test_verify_reports_the_first_changed_event(store: Store, change: Change, sequence_of: str, message: str) -> None:
    campaign_id = create(store, trials=6)
    run_to_the_end(claimed_campaign(store, campaign_id))
    verify(store, campaign_id)
    events = store.reads.events_after(campaign_id, 0, 1000)
    expected = next(e.sequence for e in events if e.kind == sequence_of and e.data["number"] == 3)
    with store._database.writing() as session:
        assert change(session) == 1
    with pytest.raises(ReplayError, match=message) as caught:
        verify(store, campaign_id)
    assert caught.value.sequence == expected
    assert f"event {expected}" in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM events WHERE sequence = 5", "event 5"),
        ("UPDATE controller_states SET state = replace(state, '\"told\":5', '\"told\":6')", "controller"),
        ("UPDATE controller_states SET sequence = sequence - 1", "stored state"),
        ("DELETE FROM controller_states", "stored state"),
        ("UPDATE campaigns SET trials_finished = 5", "the campaign's trials_finished is 5; the replay gives 6"),
        ("UPDATE campaigns SET trials_begun = 5", "the campaign's trials_begun is 5; the replay gives 6"),
        ("UPDATE campaigns SET baseline_reward = 0.5", "the campaign's baseline_reward is 0.5; the replay gives"),
        ("UPDATE campaigns SET best_reward = best_reward + 1e-15", "the campaign's best_reward"),
        ("UPDATE campaigns SET best_trial = 5 - best_trial", "the campaign's best_trial"),
    ],
)
def test_verify_reports_other_changes(store: Store, statement: str, message: str) -> None:
    campaign_id = create(store, trials=6)
    run_to_the_end(claimed_campaign(store, campaign_id))
    with store._database.writing() as session:
        session.connection().exec_driver_sql(statement)
    with pytest.raises(ReplayError, match=message):
        verify(store, campaign_id)


def test_a_space_that_is_exhausted_too_early_is_a_difference(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = create(store, trials=2)
    run_to_the_end(claimed_campaign(store, campaign_id))

    def propose(search: Search, number: int, is_known: object) -> TrialProposal:
        if number == 0:
            return TrialProposal(search.space.baseline, None, None, 0)
        raise SpaceExhaustedError(f"trial {number}: nothing new")

    monkeypatch.setattr(Search, "propose", propose)
    with pytest.raises(ReplayError, match="is malformed: SpaceExhaustedError: trial 1: nothing new"):
        verify(store, campaign_id)


def test_a_campaign_that_has_not_begun_verifies(store: Store) -> None:
    campaign_id = create(store)
    verification = verify(store, campaign_id)
    assert (verification.events, verification.trials_begun) == (1, 0)
    assert verification.to_dict()["exact"] is True


def test_of_equal_rewards_the_one_with_fewer_parameters_is_the_best(store: Store) -> None:
    campaign_id = create(store, trials=12)
    campaign = claimed_campaign(store, campaign_id)
    while (work := campaign.next_trial()) is not None:
        campaign.complete(work, Rewarded(0.5, {"ap": 0.5}))
    columns = store.reads.trial_columns(campaign_id, "number", "params")
    smallest = min(zip(columns["params"], columns["number"], strict=True))[1]
    record = store.reads.get_campaign(campaign_id)
    assert (record.best_trial, record.best_reward) == (smallest, 0.5)
    assert smallest > 0
    assert store.reads.best_trials(campaign_id)[0].number == smallest
    verify(store, campaign_id)

    with store._database.writing() as session:  # as an earlier version recorded it
        for event in session.query(models.Event).filter_by(kind="trial.completed"):
            event.data = {name: value for name, value in event.data.items() if name != "params"}
        session.get_one(models.Campaign, campaign_id).best_trial = 0
    verify(store, campaign_id)
