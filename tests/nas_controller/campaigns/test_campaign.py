"""The campaign loop with a fake executor: parallel, out of order, with failures."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import Store
from search_space.errors import BudgetError
from search_space.space import Candidate, SearchSpace
from tests.support.databases import ON_EACH_DATABASE
from tests.support.synthetic_campaigns import (
    claimed_campaign,
    create,
    final_state,
    reward,
    run_to_the_end,
    synthetic_spec,
)
from tests.support.trials import trials_of

COUNTING = {"policy": "factorised", "repeats": "count"}
FAST_CONTROLLER = {**COUNTING, "learning_rate": 1.0, "entropy_bonus": 0.0}
"""Converges within a few trials, so proposals repeat."""

ATTEMPTS = 1 + synthetic_spec().retries


@ON_EACH_DATABASE
def test_a_campaign_runs_from_the_baseline_to_its_end(store: Store) -> None:
    campaign_id = create(store, trials=8)
    campaign = claimed_campaign(store, campaign_id)
    works = run_to_the_end(campaign)
    record = store.reads.get_campaign(campaign_id)
    assert record.state == "completed"
    assert (record.trials_begun, record.trials_finished) == (8, 8)
    assert [work.number for work in works] == list(range(8))
    baseline = store.reads.get_trial(campaign_id, 0).trial
    assert baseline.widths == campaign.base.widths
    assert baseline.choices is None
    assert record.baseline_reward == baseline.reward
    assert campaign.next_trial() is None
    stored = store.reads.controller_state(campaign_id)
    assert stored is not None
    assert stored.state["told"] == 7  # the baseline is not a sample
    assert verify(store, campaign_id).trials_finished == 8


def test_a_campaign_over_some_blocks_with_caps_can_be_replayed(store: Store) -> None:
    space = {"searched_blocks": [8, 9, 10, 17], "choices": [1, 2, 4], "max_params": 4_700_000, "width_divisor": 4}
    campaign_id = create(store, trials=12, search_space=space)
    campaign = claimed_campaign(store, campaign_id)
    run_to_the_end(campaign)
    trials = [store.reads.get_trial(campaign_id, number).trial for number in range(12)]
    assert all(len(trial.betas) == 4 and len(trial.widths) == 18 for trial in trials)
    assert all(trial.params <= 4_700_000 for trial in trials)
    assert {trial.widths[0] for trial in trials} == {campaign.base.widths[0]}
    assert len({trial.widths for trial in trials}) > 4
    assert verify(store, campaign_id).trials_finished == 12


@pytest.mark.parametrize("policy", ["factorised", "recurrent"])
def test_the_same_seed_gives_the_same_campaign(store: Store, policy: str) -> None:
    ids = [create(store, trials=10, seed=seed, controller={"policy": policy}) for seed in (4, 4, 5)]
    for campaign_id in ids:
        run_to_the_end(claimed_campaign(store, campaign_id))
    first, second, other = (final_state(store, campaign_id) for campaign_id in ids)
    assert first == second
    assert first != other


@pytest.mark.parametrize("parallelism", [2, 4])
@ON_EACH_DATABASE
def test_parallel_trials_in_any_order(store: Store, parallelism: int) -> None:
    for seed in range(3):
        campaign_id = create(store, trials=20, parallelism=parallelism, controller=FAST_CONTROLLER)
        run_to_the_end(claimed_campaign(store, campaign_id), seed, parallelism)
        assert store.reads.get_campaign(campaign_id).trials_finished == 20
        verify(store, campaign_id)


@ON_EACH_DATABASE
def test_a_repeated_architecture_is_not_trained_again(store: Store) -> None:
    campaign_id = create(store, trials=60, controller=FAST_CONTROLLER)
    works = run_to_the_end(claimed_campaign(store, campaign_id))
    widths = [work.widths for work in works]
    assert len(widths) == len(set(widths)) < 60
    columns = store.reads.trial_columns(campaign_id, "number", "reward", "widths", "reused_from", "attempts")
    trials = list(zip(*columns.values(), strict=True))
    repeats = [trial for trial in trials if trial[3] is not None]
    assert len(repeats) == 60 - len(widths)
    for number, known_reward, widths_of_repeat, original, attempts in repeats:
        assert original < number
        assert attempts == 0
        assert trials[original][3] is None
        assert (trials[original][1], trials[original][2]) == (known_reward, widths_of_repeat)
    stored = store.reads.controller_state(campaign_id)
    assert stored is not None
    assert stored.state["told"] == 59  # the controller learns from repeats too
    verify(store, campaign_id)


def test_a_repeat_of_a_running_trial_waits_for_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = create(store, trials=6, parallelism=3, controller=COUNTING)
    campaign = claimed_campaign(store, campaign_id)
    first, second = campaign.next_trial(), campaign.next_trial()
    assert first is not None
    assert second is not None
    propose = campaign._search.propose
    monkeypatch.setattr(campaign._search, "propose", lambda number, is_known: propose(1, is_known))
    assert campaign.next_trial() is None  # 2, 3 and 4 wait for 1, one per worker
    waiting = trials_of(store, campaign_id, state="running")[2:]
    assert [(trial.number, trial.reused_from, trial.attempts) for trial in waiting] == [
        (2, 1, 0), (3, 1, 0), (4, 1, 0),
    ]  # fmt: skip
    monkeypatch.undo()

    resumed = claimed_campaign(store, campaign_id)  # a new runner knows which trials wait for which
    works = [resumed.next_trial(), resumed.next_trial()]
    assert [work and (work.number, work.attempt) for work in works] == [(0, 2), (1, 2)]
    assert resumed.next_trial() is None
    assert works[1] is not None
    resumed.complete(works[1], Failed("give_up", "the loss is not finite"))
    outcomes = [store.reads.get_trial(campaign_id, number).trial for number in range(1, 5)]
    assert [(trial.state, trial.reward) for trial in outcomes] == [("failed", 0.0)] * 4
    assert works[0] is not None
    resumed.complete(works[0], reward(resumed, works[0]))
    run_to_the_end(resumed)
    assert store.reads.get_campaign(campaign_id).state == "completed"


def test_the_loop_does_not_read_back_what_it_has_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = create(store, trials=4, stop={"target_reward": 0.75})
    campaign = claimed_campaign(store, campaign_id)
    for name in ("get_campaign", "get_trial", "controller_state", "trial_columns"):
        monkeypatch.delattr(store.reads, name)
    for outcome in (Failed("retry", "an error of the attempt"), Rewarded(0.5, {}), Rewarded(0.8, {})):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, outcome)
    assert campaign.over
    monkeypatch.undo()
    assert store.reads.get_campaign(campaign_id).stopped_because == "target_reward"


@ON_EACH_DATABASE
def test_retries_are_limited_and_visible(store: Store) -> None:
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    baseline = campaign.next_trial()
    assert baseline is not None
    campaign.complete(baseline, Rewarded(0.5, {"ap": 0.5}))
    for attempt in range(1, ATTEMPTS + 1):
        work = campaign.next_trial()
        assert work is not None
        assert (work.number, work.attempt) == (1, attempt)
        campaign.complete(work, Failed("retry", f"out of memory, time {attempt}"))
    detail = store.reads.get_trial(campaign_id, 1)
    assert (detail.trial.state, detail.trial.reward) == ("failed", 0.0)
    assert detail.trial.error == f"out of memory, time {ATTEMPTS}"
    assert [attempt.state for attempt in detail.attempts] == ["failed"] * ATTEMPTS
    run_to_the_end(campaign)
    assert store.reads.get_campaign(campaign_id).state == "completed"
    assert store.reads.get_campaign(campaign_id).baseline_reward == 0.5
    verify(store, campaign_id)


@ON_EACH_DATABASE
def test_attempts_lost_with_their_runner_do_not_count_as_failures(store: Store) -> None:
    campaign_id = create(store, trials=2)
    for expected in range(1, ATTEMPTS + 3):
        campaign = claimed_campaign(store, campaign_id)
        work = campaign.next_trial()
        assert work is not None
        assert (work.number, work.attempt) == (0, expected)
    run_to_the_end(claimed_campaign(store, campaign_id))
    states = [attempt.state for attempt in store.reads.get_trial(campaign_id, 0).attempts]
    assert states == ["abandoned"] * (ATTEMPTS + 2) + ["accepted"]


def test_a_lost_attempt_that_reports_first_wins_and_the_other_is_late(store: Store) -> None:
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    lost = campaign.next_trial()
    assert lost is not None
    campaign.complete(lost, Failed("retry", "the worker died"))
    retry = campaign.next_trial()
    assert retry is not None
    campaign.complete(lost, Rewarded(0.3, {}))
    campaign.complete(retry, Rewarded(0.9, {}))
    detail = store.reads.get_trial(campaign_id, 0)
    assert detail.trial.reward == 0.3
    assert [attempt.state for attempt in detail.attempts] == ["accepted", "late"]
    run_to_the_end(campaign)
    verify(store, campaign_id)


def test_an_error_that_recurs_in_every_trial_fails_the_campaign(store: Store) -> None:
    campaign_id = create(store, parallelism=2)
    campaign = claimed_campaign(store, campaign_id)
    first, _ = campaign.next_trial(), campaign.next_trial()
    assert first is not None
    campaign.complete(first, Failed("stop", "images/000.jpg is truncated"))
    record = store.reads.get_campaign(campaign_id)
    assert (record.state, record.error) == ("failed", "images/000.jpg is truncated")
    assert campaign.over
    assert [trial.state for trial in trials_of(store, campaign_id)] == ["stopped", "stopped"]


def test_a_reward_outside_0_to_1_fails_the_trial(store: Store) -> None:
    campaign_id = create(store, trials=3)
    campaign = claimed_campaign(store, campaign_id)
    for value in (0.5, float("nan"), -1.0):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, Rewarded(value, {"ap": value}))
    trials = trials_of(store, campaign_id)[1:]
    assert [(trial.state, trial.reward) for trial in trials] == [("failed", 0.0)] * 2
    assert "nan" in (trials[0].error or "")


def test_ending_a_campaign_abandons_running_attempts(store: Store) -> None:
    campaign_id = create(store, parallelism=2)
    campaign = claimed_campaign(store, campaign_id)
    first, second = campaign.next_trial(), campaign.next_trial()
    assert first is not None
    assert second is not None
    campaign.end("stopped")
    campaign.complete(first, Rewarded(0.5, {}))
    assert [trial.state for trial in trials_of(store, campaign_id)] == ["stopped", "stopped"]
    verify(store, campaign_id)


def test_samples_that_miss_the_budget_are_drawn_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = SearchSpace.candidate

    def reject_most(space: SearchSpace, betas: Sequence[float]) -> Candidate:
        if betas[0] != 1:
            raise BudgetError("over the budget")
        return candidate(space, betas)

    monkeypatch.setattr(SearchSpace, "candidate", reject_most)
    campaign_id = create(store, trials=4)
    run_to_the_end(claimed_campaign(store, campaign_id))
    trials = trials_of(store, campaign_id)[1:]
    assert [trial.betas[0] for trial in trials] == [1, 1, 1]
    begun = [event for event in store.reads.events_after(campaign_id) if event.kind == "trial.begun"]
    assert max(event.data["draw"] for event in begun) > 0
    verify(store, campaign_id)


def test_a_budget_that_no_sample_can_meet_fails_the_campaign(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def reject_all(space: SearchSpace, betas: Sequence[float]) -> Candidate:
        raise BudgetError("over the budget")

    monkeypatch.setattr(SearchSpace, "candidate", reject_all)
    campaign_id = create(store, trials=4)
    run_to_the_end(claimed_campaign(store, campaign_id))
    record = store.reads.get_campaign(campaign_id)
    assert record.state == "failed"
    assert "2,274,654,112 multi-adds" in (record.error or "")
    verify(store, campaign_id)
