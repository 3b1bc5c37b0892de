"""Trials stopped early by the median of earlier ones: the rule, the database, the replay, and a runner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.execution import synthetic_reward, worker
from nas_controller.execution.in_process_executor import InProcessExecutor
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.early_stopping import EarlyStop, MedianRule
from nas_controller.search.outcomes import Rewarded, TrialWork
from nas_controller.search.stop_spec import EarlyStoppingSpec
from nas_controller.store import Store
from nas_controller.supervision import runner
from nas_controller.supervision.runner import EXIT_DONE, Machine
from tests.support.databases import ON_EACH_DATABASE
from tests.support.synthetic_campaigns import claimed_campaign, synthetic_spec
from tests.support.trials import trials_of

COUNTING = {"policy": "factorised", "repeats": "count"}


def stopping_spec(trials: int = 6, min_trials: int = 2, **task: Any) -> CampaignSpec:
    task = {"profile": "synthetic", "evaluate_steps": 5, **task}
    return synthetic_spec(
        trials=trials, proxy_task=task, early_stopping={"min_trials": min_trials}, controller=COUNTING
    )


def next_work(campaign: Campaign) -> TrialWork:
    while True:
        work = campaign.next_trial()
        if work is not None:
            return work


def report(campaign: Campaign, work: TrialWork, step: int, ap: float | None) -> bool:
    """Reports progress as a runner does; whether the trial was stopped."""
    values = {"loss": 1.0, "seconds": float(step)}
    campaign.progress(work, step, 20, values, ap)
    return campaign.stop_early(work, step, values, ap, lambda: f"log of trial {work.number}")


def train(campaign: Campaign, ap_at_5: float, reward: float) -> TrialWork:
    work = next_work(campaign)
    assert not report(campaign, work, 5, ap_at_5)
    campaign.complete(work, Rewarded(reward, {"ap": reward}))
    return work


def test_the_rule_compares_with_completed_trials_at_the_same_step_and_spares_the_baseline() -> None:
    rule = MedianRule(EarlyStoppingSpec(min_trials=3), [(0, 10, 0.2), (1, 10, 0.3), (2, 20, 0.9)])
    rule.measured(3, 10, 0.5)
    for number in (0, 1, 2):
        rule.completed(number)
    assert rule.verdict(4, 10, 0.0) is None  # two trials have an AP at step 10, and trial 3 has no reward yet
    rule.completed(3)
    assert rule.verdict(4, 10, 0.29) == EarlyStop(step=10, ap=0.29, median=0.3, trials=3)
    assert rule.verdict(4, 10, 0.3) is None
    assert rule.verdict(4, 20, 0.0) is None
    assert rule.verdict(0, 10, 0.0) is None
    assert rule.verdict(3, 10, 0.0) is None  # it is not compared with itself


@ON_EACH_DATABASE
def test_a_trial_below_the_median_ends_there_with_the_reason_in_its_event(store: Store) -> None:
    campaign_id = store.service.create_campaign(stopping_spec()).id
    campaign = claimed_campaign(store, campaign_id)
    train(campaign, 0.2, 0.4)
    train(campaign, 0.3, 0.5)
    work = next_work(campaign)
    assert not report(campaign, work, 3, None)
    assert report(campaign, work, 5, 0.1)
    assert campaign.is_finished(work.number)
    assert not report(campaign, work, 10, 0.1)  # a report that was sent before the stop
    detail = store.reads.get_trial(campaign_id, work.number)
    assert (detail.trial.state, detail.trial.reward, detail.trial.stopped_early_step) == ("completed", 0.1, 5)
    assert detail.trial.metrics == {"loss": 1.0, "seconds": 5.0, "ap": 0.1, "steps": 5}
    assert [(each.state, each.log_tail) for each in detail.attempts] == [("accepted", f"log of trial {work.number}")]
    assert [point.step for point in detail.curve] == [3, 5]
    event = store.reads.events_after(campaign_id)[-1]
    assert event.kind == "trial.completed"
    assert event.data["stopped_early"] == {"step": 5, "ap": 0.1, "median": 0.25, "trials": 2}
    assert store.reads.get_campaign(campaign_id).best_trial == 1


def test_a_trial_that_stopped_early_is_in_no_statistic_of_rewards(store: Store) -> None:
    campaign_id = store.service.create_campaign(stopping_spec()).id
    campaign = claimed_campaign(store, campaign_id)
    train(campaign, 0.2, 0.4)
    train(campaign, 0.3, 0.5)
    assert report(campaign, next_work(campaign), 5, 0.1)
    assert [number for number, _, _ in store.reads.newest_rewards(campaign_id, 10)] == [1, 0]
    sampled = store.reads.sample_choices(campaign_id, 10)
    assert ([row[0] for row in sampled.rows], sampled.of) == ([1], 1)


def test_a_runner_that_resumes_the_campaign_makes_the_same_decisions_and_the_replay_is_exact(store: Store) -> None:
    campaign_id = store.service.create_campaign(stopping_spec()).id
    campaign = claimed_campaign(store, campaign_id)
    train(campaign, 0.2, 0.4)
    train(campaign, 0.3, 0.5)
    lost = next_work(campaign)
    store.runner.release(campaign_id, "runner")
    campaign = claimed_campaign(store, campaign_id)
    again = next_work(campaign)
    assert (again.number, again.attempt) == (lost.number, 2)
    assert report(campaign, again, 5, 0.24)
    while not campaign.over:
        work = next_work(campaign)
        if not report(campaign, work, 5, 0.1 + 0.05 * work.number):
            campaign.complete(work, Rewarded(0.6, {}))
    stopped = [trial.stopped_early_step for trial in trials_of(store, campaign_id)]
    assert stopped == [None, None, 5, None, None, None]
    assert verify(store, campaign_id).trials_finished == 6


def test_verify_finds_a_decision_that_differs_from_the_replay(database_url: str, store: Store) -> None:
    campaign_id = store.service.create_campaign(stopping_spec(trials=3)).id
    campaign = claimed_campaign(store, campaign_id)
    train(campaign, 0.2, 0.4)
    train(campaign, 0.3, 0.5)
    assert report(campaign, next_work(campaign), 5, 0.1)
    verify(store, campaign_id)
    for change, complaint in (
        ("""UPDATE measurements SET "values" = '{"ap": 0.7}' WHERE trial = 1""", "trial 2: the early stop is"),
        ("UPDATE trials SET stopped_early_step = NULL", "trial 2: the stored stopped_early_step is None"),
    ):
        with store._database.writing() as session:
            session.connection().execute(text(change))
        with pytest.raises(ReplayError, match=complaint):
            verify(store, campaign_id)


def test_a_repeat_of_a_trial_that_was_stopped_early_has_its_step(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = store.service.create_campaign(stopping_spec(trials=4)).id
    campaign = claimed_campaign(store, campaign_id)
    train(campaign, 0.2, 0.4)
    train(campaign, 0.3, 0.5)
    work = next_work(campaign)
    monkeypatch.setitem(
        campaign._trials._first_of, campaign._search.propose(3, campaign._trials.is_known).candidate.widths, work.number
    )
    assert campaign.next_trial() is None  # trial 3 waits for trial 2
    assert report(campaign, work, 5, 0.1)
    repeat = store.reads.get_trial(campaign_id, 3).trial
    assert (repeat.reused_from, repeat.reward, repeat.stopped_early_step) == (2, 0.1, 5)
    assert campaign.over


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"profile": "synthetic"}, "scores no trial before its end"),
        ({"profile": "smoke", "steps": 20, "evaluate_steps": 20}, "is 20, which is not before the end of a trial, 20"),
        ({"profile": "smoke", "steps": 2000, "evaluate_steps": 3}, "500 times at most, so give 5 or more"),
    ],
)
def test_a_task_without_intermediate_aps_is_refused(task: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as refused:
        synthetic_spec(dataset="digits", proxy_task=task, early_stopping={})
    assert refused.value.errors()[0]["loc"] == ("early_stopping",)
    assert synthetic_spec(dataset="digits", proxy_task=task).early_stopping is None


def test_a_trial_that_is_stopped_in_training_ends_and_its_worker_takes_the_next(store: Store, tmp_path: Path) -> None:
    campaign_id = store.service.create_campaign(stopping_spec(trials=5, min_trials=1, seconds=0.4)).id
    assert (
        runner.run(campaign_id, store, tmp_path, "runner", machine=Machine(executor=InProcessExecutor())) == EXIT_DONE
    )
    details = [store.reads.get_trial(campaign_id, number) for number in range(5)]
    stopped = [detail for detail in details if detail.trial.stopped_early_step is not None]
    assert stopped  # the baseline is better than most trials
    for detail in stopped:
        step = detail.trial.stopped_early_step
        assert step in (5, 10, 15)
        full = synthetic_reward.reward(detail.trial.widths, details[0].trial.widths)
        assert detail.trial.reward == pytest.approx(full * step / worker.SYNTHETIC_STEPS)
        assert [attempt.state for attempt in detail.attempts] == ["accepted"]
    assert verify(store, campaign_id).trials_finished == 5
