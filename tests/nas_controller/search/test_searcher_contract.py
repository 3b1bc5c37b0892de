"""What every search algorithm guarantees, whatever its settings."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

from nas_controller.campaigns.replay import verify
from nas_controller.execution import synthetic_reward
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller.proposal import Proposal
from nas_controller.search.controller_spec import ControllerSpec
from nas_controller.search.proposals import Search
from nas_controller.search.searchers import Searcher, make_searcher, restore_searcher
from nas_controller.search.searchers.registry import ALGORITHMS
from nas_controller.store import Store
from search_space.space import CHOICES, SearchSpace
from tests.support.synthetic_campaigns import claimed_campaign, create, final_state, reward, run_to_the_end

CONTROLLERS: dict[str, dict[str, Any]] = {
    "reinforce, recurrent": {"policy": "recurrent", "hidden_units": 4},
    "reinforce, factorised": {"policy": "factorised"},
    "random": {"algorithm": "random"},
    "evolution": {"algorithm": "evolution", "population": 6, "tournament": 3},
    "local-search": {"algorithm": "local-search", "initial": 3},
    "tpe": {"algorithm": "tpe", "startup_trials": 3, "window_trials": 50},
}
SPACE = SearchSpace()

each = pytest.mark.parametrize("controller", CONTROLLERS.values(), ids=CONTROLLERS.keys())


def make(controller: dict[str, Any], blocks: int = 18, choices: Sequence[float] = CHOICES, seed: int = 5) -> Searcher:
    settings = ControllerSpec.model_validate(controller).settings()
    return make_searcher(settings, blocks, choices, seed)


def reward_of(proposal: Proposal) -> float:
    return 0.1 + 0.05 * sum(proposal.choices) / len(proposal.choices)


def search(searcher: Searcher, first: int, last: int) -> list[Proposal]:
    proposals = []
    for number in range(first, last):
        proposals.append(searcher.ask(number))
        searcher.tell(proposals[-1].choices, proposals[-1].log_probability, reward_of(proposals[-1]))
    return proposals


def test_every_algorithm_is_tested() -> None:
    assert {each.get("algorithm", "reinforce") for each in CONTROLLERS.values()} == set(ALGORITHMS)


@each
def test_a_proposal_is_a_function_of_seed_number_draw_exploration_and_state(controller: dict[str, Any]) -> None:
    searcher = make(controller)
    searcher.start_baseline(0.1)
    search(searcher, 1, 12)
    before = searcher.state()
    first = searcher.ask(20)
    explored = searcher.ask(20, 1, 0.5)
    searcher.policy_marginals()
    assert searcher.ask(20) == first
    assert searcher.ask(20, 1, 0.5) == explored
    assert searcher.state() == before
    others = {searcher.ask(number, draw).choices for number in (21, 22, 23) for draw in (0, 1, 2)}
    assert len(others) > 1
    assert search(make(controller), 1, 12) != search(make(controller, seed=6), 1, 12)
    assert search(make(controller), 1, 12) == search(make(controller), 1, 12)


@each
def test_proposals_have_a_choice_for_each_block(controller: dict[str, Any]) -> None:
    for proposal in search(make(controller), 1, 30):
        assert len(proposal.choices) == 18
        assert proposal.betas == tuple(CHOICES[index] for index in proposal.choices)
        assert all(type(index) is int for index in proposal.choices)


@each
def test_the_state_round_trips_through_json_at_any_time(controller: dict[str, Any]) -> None:
    whole = make(controller)
    whole.start_baseline(0.3)
    for first in (1, 2, 9, 30):
        saved = json.dumps(whole.state())
        resumed = restore_searcher(json.loads(saved))
        assert json.dumps(resumed.state()) == saved
        assert resumed.told == whole.told == first - 1
        last = {1: 2, 2: 9, 9: 30, 30: 40}[first]
        assert search(resumed, first, last) == search(whole, first, last)
        assert resumed.state() == whole.state()


@each
def test_a_state_of_another_version_is_refused(controller: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="version 99"):
        restore_searcher({**make(controller).state(), "version": 99})


@each
def test_a_copy_is_independent(controller: dict[str, Any]) -> None:
    searcher = make(controller)
    search(searcher, 1, 9)
    before = json.dumps(searcher.state())
    copied = searcher.copy()
    assert json.dumps(copied.state()) == before
    search(copied, 9, 20)
    copied.start_baseline(0.9)
    assert json.dumps(searcher.state()) == before
    assert copied.told == searcher.told + 11


@each
def test_rewards_come_in_any_order_and_failures_have_the_reward_0(controller: dict[str, Any]) -> None:
    def run() -> dict[str, Any]:
        searcher, arrivals = make(controller), np.random.default_rng(1)
        running: list[Proposal] = []
        for number in range(1, 40):
            running.append(searcher.ask(number))
            if len(running) == 4:
                proposal = running.pop(int(arrivals.integers(4)))
                reward = 0.0 if proposal.number % 5 == 0 else reward_of(proposal)
                searcher.tell(proposal.choices, proposal.log_probability, reward)
        return searcher.state()

    assert run() == run()
    assert restore_searcher(json.loads(json.dumps(run()))).state() == run()


@each
@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf])
def test_a_reward_that_is_not_finite_is_refused_and_teaches_nothing(controller: dict[str, Any], reward: float) -> None:
    searcher = make(controller)
    search(searcher, 1, 9)
    before, proposal = searcher.state(), searcher.ask(9)
    with pytest.raises(ValueError, match="not a finite number"):
        searcher.tell(proposal.choices, proposal.log_probability, reward)
    assert searcher.state() == before


@each
def test_equal_rewards_alone_leave_everything_finite(controller: dict[str, Any]) -> None:
    searcher = make(controller)
    for number in range(1, 20):
        proposal = searcher.ask(number)
        searcher.tell(proposal.choices, proposal.log_probability, 0.0)
    assert np.isfinite(searcher.policy_marginals()).all()


@each
@pytest.mark.parametrize(("blocks", "choices"), [(1, CHOICES), (18, (1, 3)), (1, (1, 3))])
def test_one_block_and_two_choices_will_do(controller: dict[str, Any], blocks: int, choices: tuple[float, ...]) -> None:
    searcher = make(controller, blocks, choices)
    searcher.start_baseline(0.2)
    for proposal in search(searcher, 1, 25):
        assert len(proposal.choices) == blocks
        assert set(proposal.betas) <= set(choices)
    marginals = np.array(searcher.policy_marginals())
    assert marginals.shape == (blocks, len(choices))
    np.testing.assert_allclose(marginals.sum(axis=1), 1.0)
    assert restore_searcher(searcher.state()).ask(99) == searcher.ask(99)


@each
def test_full_exploration_is_uniformly_random(controller: dict[str, Any]) -> None:
    searcher = make(controller)
    search(searcher, 1, 60)
    choices = np.array([searcher.ask(100, draw, 1.0).choices for draw in range(400)])
    frequencies = np.array([(choices == index).mean() for index in range(len(CHOICES))])
    np.testing.assert_allclose(frequencies, 0.2, atol=0.02)


def best_reward(controller: dict[str, Any]) -> float:
    """The best of 250 synthetic rewards."""
    spec = {"name": "n", "seed": 3, "controller": controller, "proxy_task": {"profile": "synthetic"}}
    search = Search(CampaignSpec.model_validate(spec))
    rewards: dict[tuple[int, ...], float] = {}
    for number in range(250):
        proposal = search.propose(number, rewards.__contains__)
        widths = proposal.candidate.widths
        rewards[widths] = synthetic_reward.reward(widths, SPACE.base.widths)
        sample = (proposal.choices, proposal.log_probability)
        search.controller = search.updated_controller(*sample, rewards[widths], False, None, proposal.candidate.params)
    assert len(rewards) == 250
    return max(rewards.values())


@cache
def best_of_random_search() -> float:
    """That of the controller `random`, of which one process needs it once."""
    return best_reward(CONTROLLERS["random"])


@each
def test_it_beats_random_search_but_for_random_search(controller: dict[str, Any]) -> None:
    found, random = best_reward(controller), best_of_random_search()
    assert found == random if controller.get("algorithm") == "random" else found > random


@each
def test_a_campaign_with_parallel_trials_replays_to_the_bit(store: Store, controller: dict[str, Any]) -> None:
    campaign_id = create(store, trials=25, parallelism=3, controller=controller)
    run_to_the_end(claimed_campaign(store, campaign_id), seed=1, parallelism=3)
    verification = verify(store, campaign_id)
    assert (verification.trials_begun, verification.trials_finished) == (25, 25)
    assert len({tuple(widths) for widths in store.reads.trial_columns(campaign_id, "widths")["widths"]}) == 25


@each
def test_a_campaign_goes_on_with_a_new_runner_as_with_one(store: Store, controller: dict[str, Any]) -> None:
    whole, interrupted = (create(store, trials=16, controller=controller) for _ in range(2))
    run_to_the_end(claimed_campaign(store, whole))
    campaign = claimed_campaign(store, interrupted)
    for _ in range(9):
        work = campaign.next_trial()
        assert work is not None
        campaign.complete(work, reward(campaign, work))
    run_to_the_end(claimed_campaign(store, interrupted))
    assert final_state(store, interrupted) == final_state(store, whole)
