"""The numbers of a campaign's figures as named tuples, and pure functions that make them from samples and records."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from nas_controller.campaigns.learned_policy import LearnedPolicy
from nas_controller.campaigns.policy_history import Snapshot
from nas_controller.store import TrialRecord
from nas_controller.store.downsampling import Cost, Sampled
from nas_controller.store.downsampling import Curve as MeasuredCurve

AVERAGE_TRIALS, AVERAGE_SHARE = 20, 0.05
"""The moving average of the reward spans so many trials, or this share of all if that is more."""


class Progress(NamedTuple):
    """Rewards of finished trials by number, the best reward up to each trial, and that of the uniform baseline.

    A sample of `of` finished trials that contains every trial with a new best reward. `average` is the mean reward of
    the latest `average_over` trials up to each one, failed ones left out; null before the first completed one.
    """

    number: list[int]
    reward: list[float]
    best: list[float]
    repeated: list[bool]
    average: list[float | None]
    average_over: int
    baseline: float | None
    of: int


class CostReward(NamedTuple):
    """Rewards of trained architectures against their cost (`unit` names it), and the baseline's point. The cost
    `latency_ratio` is the latency over the baseline's, of those whose latency was measured.

    A sample of `of` architectures that contains the best ones and the Pareto front. `front` has the numbers of the
    trials on it, by cost: those whose reward is above that of every other at the same or a smaller cost.
    """

    unit: str
    number: list[int]
    cost: list[float]
    reward: list[float]
    front: list[int]
    baseline_cost: float | None
    baseline_reward: float | None
    of: int


class Widths(NamedTuple):
    """Channels of each block, of the uniform baseline and of the best trial. `best` is None before the first reward."""

    block: list[int]
    baseline: list[int] | None
    best: list[int] | None
    best_number: int | None
    best_reward: float | None


class PolicyFigure(NamedTuple):
    """The policy's probability of each multiplier for each searched block [blocks][choices], after `told` rewards."""

    block: list[int]
    choices: list[float]
    probability: list[list[float]]
    told: int


class Curve(NamedTuple):
    """The learning curve of an attempt at some of its `of` measured steps; a series has None where it has no value."""

    number: int
    attempt: int
    step: list[int]
    series: dict[str, list[float | None]]
    of: int


class Curves(NamedTuple):
    """Learning curves of a few trials."""

    curves: list[Curve]


class Entropy(NamedTuple):
    """The mean entropy of the policy over the blocks after `told` rewards, 1 for a policy that has learned nothing, and
    the mean advantage of the rewards since the entry before: null without any, and for searches without a policy.

    At most 129 entries, from the initial policy to the current one; `of` rewards were told in all.
    """

    told: list[int]
    entropy: list[float]
    advantage: list[float | None]
    of: int


class Parallel(NamedTuple):
    """The multipliers of trained trials, as indices of `choices` [trials][blocks], with their rewards.

    A sample of `of` trials with the best ones; the baseline, which is not sampled, is left out.
    """

    block: list[int]
    choices: list[float]
    number: list[int]
    reward: list[float]
    chosen: list[list[int]]
    best_number: int | None
    of: int


def progress(rewards: Sampled) -> Progress:
    """The progress, from rows (number, reward, reused_from, state). Failed trials have the reward 0."""
    best: list[float] = []
    for _, reward, *_ in rewards.rows:
        best.append(max(reward, best[-1]) if best else reward)
    average, span = moving_average(rewards)
    return Progress(
        [row[0] for row in rewards.rows],
        [row[1] for row in rewards.rows],
        best,
        [row[2] is not None for row in rewards.rows],
        average,
        span,
        rewards.baseline_reward,
        rewards.of,
    )


def moving_average(rewards: Sampled) -> tuple[list[float | None], int]:
    """The mean of the latest completed rewards up to each row, and the number of trials that it spans, from rows
    (number, reward, reused_from, state).

    Only evenly sampled rows count, since those that were added for their new best reward would raise it.
    """
    span = max(AVERAGE_TRIALS, round(AVERAGE_SHARE * len(rewards.even_rows)))
    latest: deque[float] = deque(maxlen=span)
    averages: list[float | None] = []
    for number, reward, _, state in rewards.rows:
        if state == "completed" and number % rewards.stride == 0:
            latest.append(reward)
        averages.append(sum(latest) / len(latest) if latest else None)
    return averages, span * rewards.stride


def cost_reward(costs: Sampled, unit: Cost) -> CostReward:
    """Cost and reward, from rows (number, cost, reward) of trained architectures."""
    numbers, spent, rewards = ([row[index] for row in costs.rows] for index in range(3))
    front, best = [], -1.0
    for number, _, reward in sorted(costs.rows, key=lambda row: (row[1], -row[2], row[0])):
        if reward > best:
            front.append(number)
            best = reward
    return CostReward(unit, numbers, spent, rewards, front, costs.baseline_cost, costs.baseline_reward, costs.of)


def widths(baseline: TrialRecord | None, best: TrialRecord | None) -> Widths:
    """The widths, from trial 0 and the best trial."""
    channels = None if baseline is None else list(baseline.widths)
    blocks = list(range(1, len(channels) + 1)) if channels else []
    if best is None:
        return Widths(blocks, channels, None, None, None)
    return Widths(blocks, channels, list(best.widths), best.number, best.reward)


def policy(learned: LearnedPolicy) -> PolicyFigure:
    """The policy figure, from the learned policy."""
    return PolicyFigure(
        list(learned.blocks), list(learned.choices), [list(row) for row in learned.probabilities], learned.told
    )


def curves(measured: Sequence[MeasuredCurve]) -> Curves:
    """The learning curves, from the measurements of attempts."""
    attempt_curves = []
    for curve in measured:
        names = sorted({name for point in curve.points for name in point.values})
        series = {name: [point.values.get(name) for point in curve.points] for name in names}
        attempt_curves.append(
            Curve(curve.trial, curve.attempt, [point.step for point in curve.points], series, curve.of)
        )
    return Curves(attempt_curves)


def entropy(history: Sequence[Snapshot]) -> Entropy:
    """The entropy of a policy, from its snapshots."""
    told, _, entropies, advantages = (list(column) for column in zip(*history, strict=True))
    return Entropy(told, entropies, advantages, told[-1])
