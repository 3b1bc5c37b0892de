"""The latency of trials in the record: stored with the outcome, told to the controller, replayed, and in a figure."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from nas_controller.campaigns import figures
from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.search.outcomes import Failed, Latency, Rewarded, TrialWork
from nas_controller.store import Store
from search_space.errors import InvalidValueError
from tests.support.databases import migrated_sqlite
from tests.support.synthetic_campaigns import claimed_campaign, create

MINIMISED = {"minimise": "latency", "weight": 1.0}


def ratio_of(work: TrialWork) -> float:
    """The wider the first blocks, the slower, with some noise."""
    return float(sum(work.widths[:4]) / 88 * np.random.default_rng(work.number).uniform(0.97, 1.03))


def finish(campaign: Campaign, work: TrialWork, reward: float = 0.5) -> None:
    ratio = ratio_of(work)
    campaign.complete(work, Rewarded(reward, {"ap": reward}, latency=Latency(120.0 * ratio, ratio)))


def run(campaign: Campaign, trials: int = 1000) -> None:
    while trials > 0 and (work := campaign.next_trial()) is not None:
        finish(campaign, work)
        trials -= 1


def next_of(campaign: Campaign) -> TrialWork:
    work = campaign.next_trial()
    assert work is not None
    return work


def test_it_is_stored_with_the_outcome_and_in_its_event(store: Store) -> None:
    campaign_id = create(store, latency={})
    campaign = claimed_campaign(store, campaign_id)
    finish(campaign, next_of(campaign))
    work = next_of(campaign)
    finish(campaign, work)
    campaign.complete(next_of(campaign), Failed("give_up", "not finite"))
    measured, failed = (store.reads.get_trial_record(campaign_id, number) for number in (1, 2))
    assert (measured.latency_ms, measured.latency_ratio) == (120.0 * ratio_of(work), ratio_of(work))
    assert (failed.latency_ms, failed.latency_ratio) == (None, None)
    events = [event.data for event in store.reads.events_after(campaign_id, 0, 100) if event.kind == "trial.completed"]
    assert (events[1]["latency_ms"], events[1]["latency_ratio"]) == (measured.latency_ms, measured.latency_ratio)
    verify(store, campaign_id)


def test_a_search_for_less_latency_finds_it_and_replays(tmp_path: Path) -> None:
    """With one reward for all, only the latency matters."""
    with closing(Store.open(migrated_sqlite(tmp_path / "effspine.db"))) as store:
        controller = {"algorithm": "evolution", "population": 10}
        campaign_id = create(store, trials=100, objective=MINIMISED, controller=controller)
        run(claimed_campaign(store, campaign_id))
        ratios = store.reads.trial_columns(campaign_id, "latency_ratio")["latency_ratio"]
        assert sum(ratios[-25:]) < 0.9 * sum(ratios[:25])
        assert store.reads.get_campaign(campaign_id).best_reward == 0.5
        verify(store, campaign_id)


def test_another_runner_goes_on_with_the_stored_latencies(store: Store) -> None:
    states = []
    for interrupted in (False, True):
        campaign_id = create(store, trials=12, objective=MINIMISED, controller={"repeats": "count"}, seed=3)
        campaign = claimed_campaign(store, campaign_id)
        if interrupted:
            run(campaign, 5)
            store.runner.release(campaign_id, "runner")
            campaign = claimed_campaign(store, campaign_id, "another")
        run(campaign)
        verify(store, campaign_id)
        states.append(store.reads.controller_digest(campaign_id))
    assert states[0] == states[1]


def test_a_repeat_has_the_latency_of_the_trial_that_it_repeats(store: Store) -> None:
    space = {"searched_blocks": [10, 12], "choices": [1, 20]}
    campaign_id = create(
        store, trials=12, objective=MINIMISED, controller={"repeats": "count"}, search_space=space, parallelism=1
    )
    run(claimed_campaign(store, campaign_id))
    columns = store.reads.trial_columns(campaign_id, "reused_from", "latency_ms", "latency_ratio")
    repeats = [(number, first) for number, first in enumerate(columns["reused_from"]) if first is not None]
    assert repeats
    for number, first in repeats:
        for name in ("latency_ms", "latency_ratio"):
            assert columns[name][number] == columns[name][first] is not None
    verify(store, campaign_id)


@pytest.mark.parametrize("column", ["latency_ms", "latency_ratio"])
@pytest.mark.parametrize("value", ["NULL", "0.5"])
def test_an_edited_latency_is_found(store: Store, column: str, value: str) -> None:
    campaign_id = create(store, trials=4, objective=MINIMISED)
    run(claimed_campaign(store, campaign_id))
    with store._database.writing() as session:
        session.connection().exec_driver_sql(f"UPDATE trials SET {column} = {value} WHERE number = 2")
    with pytest.raises(ReplayError):
        verify(store, campaign_id)


def test_a_rewarded_trial_without_the_latency_that_counts_is_refused(store: Store) -> None:
    campaign_id = create(store, trials=4, objective=MINIMISED)
    campaign = claimed_campaign(store, campaign_id)
    with pytest.raises(InvalidValueError, match="the latency of a rewarded trial is None"):
        campaign.complete(next_of(campaign), Rewarded(0.5, {"ap": 0.5}))
    assert store.reads.get_trial_record(campaign_id, 0).state == "running"


def test_the_figure_has_the_front_of_ap_over_latency(store: Store) -> None:
    campaign_id = create(store, trials=9, latency={})
    assert figures.compute(store, campaign_id, "latency-ap")["number"] == []
    campaign = claimed_campaign(store, campaign_id)
    for reward, ratio in ((0.3, 1.0), (0.2, 0.9), (0.5, 1.2), (0.1, 1.1), (0.4, 1.2)):
        campaign.complete(next_of(campaign), Rewarded(reward, {"ap": reward}, latency=Latency(50 * ratio, ratio)))
    campaign.complete(next_of(campaign), Failed("give_up", "not finite"))
    assert figures.compute(store, campaign_id, "latency-ap") == {
        "unit": "latency_ratio",
        "number": [0, 1, 2, 3, 4],
        "cost": [1.0, 0.9, 1.2, 1.1, 1.2],
        "reward": [0.3, 0.2, 0.5, 0.1, 0.4],
        "front": [1, 0, 2],
        "baseline_cost": 1.0,
        "baseline_reward": 0.3,
        "of": 5,
    }
    assert figures.compute(store, campaign_id, "params-ap")["of"] == 5
