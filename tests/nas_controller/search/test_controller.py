"""The controller learns, saves its state exactly, and learns from late rewards."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from nas_controller.execution import synthetic_reward
from nas_controller.search.controller import Controller, Proposal, Settings
from nas_controller.search.controller.factorised import FactorisedPolicy
from nas_controller.search.controller.policy import Indices, Policy
from nas_controller.search.controller.recurrent import RecurrentPolicy
from nas_controller.search.controller.reinforce import MovingBaseline, importance_weight
from nas_controller.search.controller_spec import ControllerSpec
from search_space.space import CHOICES, SearchSpace

POLICIES = ("recurrent", "factorised")
SPACE = SearchSpace()


@cache
def reward_of(betas: tuple[int, ...]) -> float:
    return synthetic_reward.reward(SPACE.candidate(betas).widths, SPACE.base.widths)


def settings(policy: str) -> Settings:
    return ControllerSpec.model_validate({"policy": policy}).settings()


def search(controller: Controller, first: int, last: int) -> list[float]:
    rewards = []
    for number in range(first, last):
        proposal = controller.ask(number)
        rewards.append(reward_of(proposal.betas))
        controller.tell(proposal.choices, proposal.log_probability, rewards[-1])
    return rewards


def random_search_mean(seed: int) -> float:
    rng = np.random.default_rng(seed)
    sampled = rng.choice(CHOICES, (100, 18))
    return float(np.mean([reward_of(tuple(int(beta) for beta in betas)) for betas in sampled]))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
@pytest.mark.parametrize("policy", POLICIES)
def test_it_finds_much_better_rewards_than_random_search(policy: str, seed: int) -> None:
    rewards = search(Controller(settings(policy), 18, CHOICES, seed), 1, 601)
    assert np.mean(rewards[-100:]) > random_search_mean(seed) + 0.3
    assert np.mean(rewards[-100:]) > np.mean(rewards[:100]) + 0.2


@pytest.mark.parametrize("policy", POLICIES)
def test_a_controller_saved_and_loaded_continues_bit_for_bit(policy: str) -> None:
    whole = Controller(settings(policy), 18, CHOICES, 5)
    first_half = search(whole, 1, 40)
    saved = json.dumps(whole.state())
    second_half = search(whole, 40, 80)

    resumed = Controller.from_state(json.loads(saved))
    assert resumed.told == len(first_half)
    assert json.dumps(resumed.state()) == saved
    assert search(resumed, 40, 80) == second_half
    assert resumed.state() == whole.state()


def test_a_state_of_another_version_is_refused() -> None:
    state = Controller(settings("factorised"), 18, CHOICES, 1).state()
    with pytest.raises(ValueError, match="version 99"):
        Controller.from_state({**state, "version": 99})


@pytest.mark.parametrize("policy", POLICIES)
def test_asking_and_reading_marginals_change_nothing(policy: str) -> None:
    controller = Controller(settings(policy), 18, CHOICES, 3)
    search(controller, 1, 5)
    before = controller.state()
    first = controller.ask(9)
    controller.policy_marginals()
    assert controller.ask(9) == first
    assert controller.ask(9, draw=1).choices != first.choices
    assert controller.ask(10).choices != first.choices
    assert controller.state() == before
    assert first.betas == tuple(CHOICES[index] for index in first.choices)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_controller_learns_from_late_rewards_out_of_order(policy: str) -> None:
    """Four workers, which finish in random order."""
    controller = Controller(settings(policy), 18, CHOICES, 1)
    arrivals = np.random.default_rng(1)
    running: list[Proposal] = []
    rewards = []
    for number in range(1, 601):
        running.append(controller.ask(number))
        if len(running) == 4:
            proposal = running.pop(int(arrivals.integers(4)))
            rewards.append(reward_of(proposal.betas))
            controller.tell(proposal.choices, proposal.log_probability, rewards[-1])
    assert np.mean(rewards[-100:]) > random_search_mean(1) + 0.25


def make_policy(name: str) -> Policy:
    rng = np.random.default_rng(0)
    policy: Policy = FactorisedPolicy(4, 3) if name == "factorised" else RecurrentPolicy(4, 3, 5, rng)
    policy.parameters = policy.parameters + rng.normal(0, 0.4, policy.parameters.size)
    return policy


@pytest.mark.parametrize("name", POLICIES)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    """The gradient of the log-probability of the whole sequence."""
    policy = make_policy(name)
    choices = np.array([2, 0, 1, 1])
    analytic = policy.evaluate(choices)
    start = policy.parameters
    step = 1e-6
    for index in range(start.size):
        sides = []
        for sign in (1, -1):
            policy.parameters = start.copy()
            policy.parameters[index] += sign * step
            sides.append(policy.evaluate(choices))
        log_slope = (sides[0].log_probability - sides[1].log_probability) / (2 * step)
        assert analytic.log_probability_gradient[index] == pytest.approx(log_slope, abs=1e-7)


EVERY = np.stack(np.meshgrid(*[np.arange(3)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
"""All sequences of 3 choices of 4 blocks."""


def entropy_of(policy: Policy, choices: Indices) -> float:
    """The entropies of the blocks given the previous choices, from the probabilities of all sequences."""
    joint = np.exp([policy.evaluate(each).log_probability for each in EVERY]).reshape([3] * 4)
    entropy = 0.0
    for choice in choices:
        block = joint.sum(axis=tuple(range(1, joint.ndim))) / joint.sum()
        entropy -= float((block * np.log(block)).sum())
        joint = joint[choice]
    return entropy


@pytest.mark.parametrize("name", POLICIES)
def test_the_entropy_gradient_agrees_with_finite_differences_in_random_directions(name: str) -> None:
    policy = make_policy(name)
    choices = np.array([2, 0, 1, 1])
    gradient, start, step = policy.evaluate(choices).entropy_gradient, policy.parameters, 1e-5
    for direction in np.random.default_rng(4).normal(size=(3, start.size)):
        sides = []
        for sign in (1, -1):
            policy.parameters = start + sign * step * direction
            sides.append(entropy_of(policy, choices))
        assert gradient @ direction == pytest.approx((sides[0] - sides[1]) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("name", POLICIES)
def test_log_probabilities_are_those_of_a_distribution(name: str) -> None:
    policy = make_policy(name)
    logs = np.array([policy.evaluate(choices).log_probability for choices in EVERY])
    assert np.exp(logs).sum() == pytest.approx(1.0)

    exact = np.zeros((4, 3))
    for choices, probability in zip(EVERY, np.exp(logs), strict=True):
        exact[np.arange(4), choices] += probability
    np.testing.assert_allclose(policy.marginals(), exact, atol=0.03)

    sampled, sampled_logs = policy.sample(np.random.default_rng(1).random((4000, 4)))
    frequencies = np.stack([(sampled == choice).mean(axis=0) for choice in range(3)], axis=1)
    np.testing.assert_allclose(frequencies, exact, atol=0.03)
    assert sampled_logs[7] == policy.evaluate(sampled[7]).log_probability


def test_on_policy_the_importance_weight_is_one_and_it_is_clipped_for_late_rewards() -> None:
    assert importance_weight(-3.25, -3.25, 2.0) == 1.0
    assert importance_weight(-4.25, -3.25, 2.0) == pytest.approx(np.exp(-1))
    assert importance_weight(900.0, -900.0, 2.0) == pytest.approx(2.0)


def test_the_moving_baseline_starts_with_the_uniform_reward_and_scales_advantages() -> None:
    baseline = MovingBaseline(0.5)
    baseline.start(0.2)
    baseline.start(0.9)
    assert baseline.mean == 0.2
    assert baseline.advantage(0.3) == pytest.approx(1.0)
    assert baseline.mean == pytest.approx(0.25)
    for _ in range(8):
        baseline.advantage(0.25)
    assert baseline.advantage(0.9) == pytest.approx(2**0.5, rel=1e-3)  # its square is half of the variance

    constant = MovingBaseline(0.9)
    assert [constant.advantage(0.4) for _ in range(5)] == [0.0] * 5


def test_a_reward_that_is_not_finite_is_refused() -> None:
    controller = Controller(settings("factorised"), 18, CHOICES, 1)
    proposal = controller.ask(1)
    before = controller.state()
    with pytest.raises(ValueError, match="nan"):
        controller.tell(proposal.choices, proposal.log_probability, float("nan"))
    assert controller.state() == before


@pytest.mark.parametrize("policy", POLICIES)
def test_marginals_are_probabilities(policy: str) -> None:
    controller = Controller(settings(policy), 18, CHOICES, 2)
    search(controller, 1, 50)
    marginals = np.array(controller.policy_marginals())
    assert marginals.shape == (18, 5)
    np.testing.assert_allclose(marginals.sum(axis=1), 1.0)
