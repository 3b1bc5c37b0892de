"""A truth table: rewards of architectures that were trained alone, from fresh weights, with several seeds. Pure.

Its means over the seeds are the reference of a check. They have an error of their own, which `assess` estimates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nas_controller.proxy_check.dispersion import Dispersion, dispersion, kendall_ceiling
from nas_controller.proxy_check.statistics import (
    MIN_ARCHITECTURES,
    MIN_SEEDS,
    Estimate,
    intraclass_consistency,
    intraclass_one_way,
    largest_complete_part,
)
from search_space.space import Widths


@dataclass(frozen=True)
class TruthTable:
    """The rewards of each architecture by seed, at least one each, all on one `task` and one data set.

    `path` is the results file, whose order the architectures have.
    """

    path: Path
    task: Mapping[str, Any]
    dataset: str | None
    rewards: Mapping[Widths, Mapping[int, float]]

    def mean(self, widths: Widths) -> float:
        """The mean over the seeds of an architecture of the table."""
        return float(np.mean(list(self.rewards[widths].values())))


@dataclass(frozen=True)
class TruthQuality:
    """How exactly a table orders its architectures.

    `min_seeds` and `max_seeds` are the fewest and the most seeds of an architecture. The intraclass correlations are
    over the largest part of the table without a gap, `dispersion` is over the whole table.
    """

    architectures: int
    min_seeds: int
    max_seeds: int
    intraclass_one_way: Estimate | None
    intraclass_consistency: Estimate | None
    dispersion: Dispersion

    @property
    def kendall_ceiling(self) -> float | None:
        """The tau to the table that a proxy with the true order would have; None where the error is unknown."""
        ratio = self.dispersion.spread_over_error
        return None if ratio is None else kendall_ceiling(ratio)


def assess(table: TruthTable) -> TruthQuality:
    """The quality of the whole table."""
    rewards = list(table.rewards.values())
    all_seeds = sorted({seed for of_seeds in rewards for seed in of_seeds})
    by_seed = [[of_seeds.get(seed) for seed in all_seeds] for of_seeds in rewards]
    rows, columns = largest_complete_part(by_seed)
    complete = np.array([[by_seed[row][column] for column in columns] for row in rows], dtype=np.float64)
    is_large_enough = len(rows) >= MIN_ARCHITECTURES and len(columns) >= MIN_SEEDS
    return TruthQuality(
        architectures=len(rewards),
        min_seeds=min(map(len, rewards)),
        max_seeds=max(map(len, rewards)),
        intraclass_one_way=intraclass_one_way(complete) if is_large_enough else None,
        intraclass_consistency=intraclass_consistency(complete) if is_large_enough else None,
        dispersion=dispersion([list(of_seeds.values()) for of_seeds in rewards]),
    )
