"""Rewards whose true value is known: the synthetic reward, one with interactions between blocks, and surrogates.

A searcher is told the true value plus Gaussian noise, within 0 to 1; one architecture always has the same noise. The
noise of the synthetic landscapes has the standard deviation that the true values of random architectures have, that of
a surrogate is its own error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from nas_controller.benchmarks.searchers.surrogate import Surrogate
from nas_controller.execution import synthetic_reward
from search_space.space import SearchSpace, Widths

_RANDOM_ARCHITECTURES = 300
_ROTATION_SEED = 7
_CURVATURES = (0.02, 1.0)  # smallest and largest of the rotated quadratic, before they are scaled to a mean of one


@dataclass(frozen=True)
class Landscape:
    """`value` is the true reward of widths, `noise` the standard deviation of what is added to it."""

    name: str
    value: Callable[[Widths], float]
    noise: float

    def reward(self, widths: Widths, seed: int) -> float:
        """What a searcher is told of these widths under a seed."""
        noise = float(np.random.default_rng([seed, *widths]).normal(0.0, self.noise)) if self.noise else 0.0
        return min(1.0, max(0.0, self.value(widths) + noise))


def landscapes(surrogates: Mapping[str, Surrogate]) -> tuple[Landscape, ...]:
    """All landscapes, each without and with noise: the synthetic ones, then those of the surrogates by name."""
    found: list[Landscape] = []
    for name, value in (("separable", separable), ("interactions", interactions)):
        found += [Landscape(name, value, 0.0), Landscape(f"{name}, noise", value, spread(value))]
    for name, surrogate in surrogates.items():
        found += [Landscape(name, surrogate, 0.0), Landscape(f"{name}, noise", surrogate, surrogate.fit.error)]
    return tuple(found)


def separable(widths: Widths) -> float:
    """The synthetic reward (`nas_controller.execution.synthetic_reward`)."""
    return synthetic_reward.reward(widths, _space().base.widths)


def interactions(widths: Widths) -> float:
    """The synthetic reward with a rotated distance: its optimum is the same, but the best width of a block depends on
    the widths of all others, and some directions matter fifty times as much as others. A quadratic of each block
    leaves 13 % of the variance of its logarithm unexplained.
    """
    distances = np.log(np.array(widths) / np.array(_space().base.widths) / np.array(synthetic_reward.OPTIMUM_FACTORS))
    turned = _rotation() @ (distances / synthetic_reward.SPREAD)
    curvatures = np.geomspace(*_CURVATURES, len(turned))
    squares = float(np.mean(curvatures / curvatures.mean() * turned**2))
    return synthetic_reward.FLOOR + synthetic_reward.HEIGHT * float(np.exp(-squares / 2.0))


@cache
def spread(value: Callable[[Widths], float]) -> float:
    """The standard deviation of the true values of random architectures."""
    candidates = _space().random_candidates(_RANDOM_ARCHITECTURES, seed=0)
    return float(np.std([value(candidate.widths) for candidate in candidates]))


@cache
def _space() -> SearchSpace:
    return SearchSpace()


@cache
def _rotation() -> np.ndarray:
    blocks = len(synthetic_reward.OPTIMUM_FACTORS)
    return np.asarray(np.linalg.qr(np.random.default_rng(_ROTATION_SEED).normal(size=(blocks, blocks)))[0])
