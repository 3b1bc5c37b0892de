"""The objective: what the controller is told of an AP and of the parameters."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import ValidationError

from nas_controller.campaigns.replay import ReplayError, verify
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.objective_spec import DEFAULT_WEIGHT, ObjectiveSpec
from nas_controller.search.outcomes import Rewarded
from nas_controller.store import Store
from search_space.errors import InvalidValueError
from tests.support.synthetic_campaigns import claimed_campaign, create, run_to_the_end


def test_by_default_it_is_the_ap_alone() -> None:
    spec = CampaignSpec(name="n", dataset="d").objective
    assert spec.model_dump(mode="json") == {"maximise": "ap", "minimise": None, "weight": None}
    assert spec.value(0.3, 1.25) == spec.value(0.3, None) == 0.3


@pytest.mark.parametrize("minimise", ["params", "latency"])
def test_twice_the_cost_costs_a_twentieth_of_the_ap(minimise: Literal["params", "latency"]) -> None:
    spec = ObjectiveSpec(minimise=minimise)
    assert spec.weight == DEFAULT_WEIGHT
    assert spec.value(0.3, 1.0) == 0.3
    assert spec.value(0.3, 2.0) == pytest.approx(0.3 * 0.9526, rel=1e-4)
    assert spec.value(0.3, 0.5) == pytest.approx(0.3 / 0.9526, rel=1e-4)
    assert ObjectiveSpec(minimise=minimise, weight=1.0).value(0.3, 2.0) == pytest.approx(0.15)
    assert ObjectiveSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_a_cost_that_counts_must_be_known_unless_the_reward_is_0() -> None:
    spec = ObjectiveSpec(minimise="latency")
    assert spec.value(0.0, None) == 0.0
    for ratio in (None, 0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidValueError, match=f"the latency of a rewarded trial is {ratio} times"):
            spec.value(0.3, ratio)


@pytest.mark.parametrize(
    ("objective", "field", "message"),
    [
        ({"minimise": "madds"}, "minimise", "'params' or 'latency'"),
        ({"maximise": "ar"}, "maximise", "'ap'"),
        ({"weight": 0.1}, "weight", "there is nothing to minimise; give objective.minimise"),
        ({"minimise": "params", "weight": 0}, "weight", "greater than 0"),
        ({"minimise": "params", "weight": 1.5}, "weight", "less than or equal to 1"),
        ({"minimise": "params", "weights": 1}, "weights", "not permitted"),
    ],
)
def test_errors_name_the_field(objective: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CampaignSpec.model_validate({"name": "n", "dataset": "d", "objective": objective})
    errors = {error["loc"]: error["msg"] for error in caught.value.errors()}
    assert message in errors["objective", field]


@pytest.mark.parametrize("algorithm", ["reinforce", "evolution"])
def test_a_search_for_few_parameters_finds_fewer_and_replays(store: Store, algorithm: str) -> None:
    """With one reward for all, only the parameters matter."""

    def run(objective: dict[str, Any]) -> tuple[str, float]:
        controller = {"algorithm": algorithm} | ({"population": 10} if algorithm == "evolution" else {})
        campaign_id = create(store, trials=120, objective=objective, controller=controller)
        campaign = claimed_campaign(store, campaign_id)
        while (work := campaign.next_trial()) is not None:
            campaign.complete(work, Rewarded(0.5, {"ap": 0.5}))
        params = store.reads.trial_columns(campaign_id, "params")["params"]
        return campaign_id, sum(params[-30:]) / 30

    campaign_id, fewer = run({"minimise": "params", "weight": 1.0})
    _, as_before = run({})
    assert fewer < 0.9 * as_before
    assert store.reads.get_campaign(campaign_id).best_reward == 0.5
    verify(store, campaign_id)


def test_the_replay_tells_the_controller_the_same(store: Store) -> None:
    campaign_id = create(store, trials=6, parallelism=2, objective={"minimise": "params"})
    run_to_the_end(claimed_campaign(store, campaign_id), seed=1, parallelism=2)
    verify(store, campaign_id)
    with store._database.writing() as session:
        session.connection().exec_driver_sql("UPDATE trials SET params = params + 1 WHERE number = 3")
    with pytest.raises(ReplayError, match="params"):
        verify(store, campaign_id)
