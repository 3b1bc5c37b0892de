"""Figures have the right numbers, for campaigns that have not begun, are running and are finished."""

from __future__ import annotations

import json

import pytest

from nas_controller.campaigns import figures
from nas_controller.campaigns.campaign import Campaign
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import NotFoundError, Store
from nas_controller.store.downsampling import Sampled
from search_space.errors import InvalidValueError
from tests.support.synthetic_campaigns import synthetic_spec

REWARDS = (0.3, 0.2, None, 0.5, 0.4)


@pytest.fixture
def campaign_id(store: Store) -> str:
    """Five trials with these rewards, the third given up, and a sixth in training, with a curve."""
    campaign_id = store.service.create_campaign(synthetic_spec(trials=9)).id
    campaign = Campaign(store, store.runner.claim(campaign_id, "runner", 1e6))
    for reward in REWARDS:
        work = campaign.next_trial()
        assert work is not None
        if reward is None:
            campaign.complete(work, Failed("give_up", "not finite"))
        else:
            campaign.complete(work, Rewarded(reward, {"ap": reward}))
    work = campaign.next_trial()
    assert work is not None
    campaign.progress(work, 10, 30, {"loss": 2.0})
    campaign.progress(work, 20, 30, {"loss": 1.5, "rate": 0.1})
    return campaign_id


def test_progress(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "progress")
    assert figure == {
        "number": [0, 1, 2, 3, 4],
        "reward": [0.3, 0.2, 0.0, 0.5, 0.4],
        "best": [0.3, 0.3, 0.3, 0.5, 0.5],
        "repeated": [False] * 5,
        "baseline": 0.3,
        "of": 5,
    }


@pytest.mark.parametrize("unit", ["madds", "params"])
def test_cost_against_reward(store: Store, campaign_id: str, unit: str) -> None:
    figure = figures.compute(store, campaign_id, f"{unit}-ap")
    assert figure["number"] == [0, 1, 3, 4]
    assert figure["reward"] == [0.3, 0.2, 0.5, 0.4]
    costs = [getattr(store.reads.get_trial(campaign_id, number).trial, unit) for number in figure["number"]]
    assert figure["cost"] == costs
    assert (figure["baseline_cost"], figure["baseline_reward"]) == (costs[0], 0.3)
    points = list(zip(figure["number"], costs, figure["reward"], strict=True))
    front = [number for number, cost, reward in points if all(
        other == number or reward > others_reward or cost < others_cost for other, others_cost, others_reward in points
    )]  # fmt: skip
    assert figure["front"] == sorted(front, key=lambda number: dict(zip(figure["number"], costs, strict=True))[number])


def test_the_front_has_the_highest_reward_at_each_cost_and_one_of_equal_trials() -> None:
    rows = [(0, 50, 0.3), (1, 40, 0.3), (2, 40, 0.2), (3, 60, 0.5), (4, 40, 0.3), (5, 70, 0.5)]
    figure = figures.cost_reward(Sampled(rows, 6, 0.3, 50), "params")
    assert figure.front == [1, 3]


def test_widths(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "widths")
    assert figure["block"] == list(range(1, 19))
    assert figure["best_number"] == 3
    assert tuple(figure["best"]) == store.reads.get_trial(campaign_id, 3).trial.widths
    assert tuple(figure["baseline"]) == store.reads.get_trial(campaign_id, 0).trial.widths


def test_policy(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "policy")
    assert figure["choices"] == [1, 5, 10, 15, 20]
    assert figure["told"] == 4
    assert len(figure["probability"]) == 18
    assert all(sum(row) == pytest.approx(1) for row in figure["probability"])
    assert figure["probability"] != [[0.2] * 5] * 18


def test_the_policy_over_some_blocks(store: Store) -> None:
    space = {"searched_blocks": [5, 7, 9], "choices": [1, 2]}
    figure = figures.compute(store, store.service.create_campaign(synthetic_spec(search_space=space)).id, "policy")
    assert figure["block"] == [5, 7, 9]
    assert figure["choices"] == [1, 2]
    assert figure["probability"] == [[0.5, 0.5]] * 3


def test_curves(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "curves")
    series = {"loss": [2.0, 1.5], "rate": [None, 0.1]}
    assert figure == {"curves": [{"number": 5, "attempt": 1, "step": [10, 20], "series": series, "of": 2}]}


@pytest.mark.parametrize("name", figures.FIGURES)
def test_every_figure_of_a_new_campaign_is_json(store: Store, name: str) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    json.dumps(figures.compute(store, campaign_id, name), allow_nan=False)
    with pytest.raises(NotFoundError):
        figures.compute(store, "c_0", name)


def test_an_unknown_figure_is_refused(store: Store) -> None:
    with pytest.raises(InvalidValueError, match="progress"):
        figures.compute(store, "c_0", "pie")
