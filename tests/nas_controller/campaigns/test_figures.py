"""Figures have the right numbers, for campaigns that have not begun, are running and are finished."""

from __future__ import annotations

import json

import pytest

from nas_controller.campaigns import block_importance, figures
from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.figure_data import cost_reward
from nas_controller.search.outcomes import Failed, Rewarded
from nas_controller.store import NotFoundError, Store
from nas_controller.store.downsampling import Sampled
from search_space.errors import InvalidValueError
from tests.support.recorder import Recorder
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
        "average": pytest.approx([0.3, 0.25, 0.25, 1 / 3, 0.35]),
        "average_over": 20,
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
    figure = cost_reward(Sampled(rows, 6, 0.3, 50), "params")
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


def test_the_policy_after_fewer_rewards(store: Store, campaign_id: str) -> None:
    current = figures.compute(store, campaign_id, "policy")
    assert figures.compute(store, campaign_id, "policy", at=99) == current
    initial = figures.compute(store, campaign_id, "policy", at=0)
    assert (initial["told"], initial["probability"]) == (0, [[0.2] * 5] * 18)
    assert figures.compute(store, campaign_id, "policy", at=2)["told"] == 2
    with pytest.raises(InvalidValueError, match="only the figure policy"):
        figures.compute(store, campaign_id, "widths", at=1)


def test_entropy(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "entropy")
    assert (figure["told"], figure["of"]) == ([0, 1, 2, 3, 4], 4)
    assert figure["entropy"][0] == pytest.approx(1)
    assert figure["entropy"][-1] == pytest.approx(figures.compute(store, campaign_id, "search")["entropy"], abs=0.001)
    assert figure["advantage"][0] is None
    assert figure["advantage"][1] < 0 < figure["advantage"][3]  # 0.2 and 0.5 after a baseline of 0.3


def test_parallel_multipliers(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "parallel")
    assert (figure["number"], figure["reward"], figure["best_number"], figure["of"]) == (
        [1, 3, 4],
        [0.2, 0.5, 0.4],
        3,
        3,
    )
    betas = store.reads.get_trial_record(campaign_id, 4).betas
    assert [figure["choices"][index] for index in figure["chosen"][2]] == list(betas)


def test_importance_regresses_no_trial_that_its_reward_has_chosen(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_importance, "MAX_TRIALS", 10)
    regressed: list[int] = []

    def note(blocks: object, choices: object, rows: list[tuple[int, ...]], of: int) -> None:
        regressed.extend(row[0] for row in rows)

    monkeypatch.setattr(block_importance, "block_importance", note)
    recorder = Recorder(store, trials=25, controller={"algorithm": "random"}).run(25)
    figures.compute(store, recorder.id, "importance")
    assert regressed == list(range(3, 25, 3))


def test_what_was_learned_has_its_levels(store: Store, campaign_id: str) -> None:
    figure = figures.compute(store, campaign_id, "learned")
    assert figure["sentence"].endswith("(trial 3, not confirmed by finals).")
    assert [level["level"] for level in figure["levels"]] == [1, 2, 3, 4, 5, 6, 7]
    assert figure["levels"] == figures.compute(store, campaign_id, "shares")["levels"]


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
