"""The widths that a supernet of a search space has, and those of the slices that its training draws."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from search_space.errors import BudgetError
from search_space.space import SearchSpace, Widths

WIDEST_DRAWS = 256
"""The number of random candidates that the widest network covers."""
MAX_DRAWS = 200


def random_widths(space: SearchSpace, random: np.random.Generator) -> Widths:
    """Those of uniformly random multipliers that meet the budget; the baseline's if MAX_DRAWS do not."""
    for _ in range(MAX_DRAWS):
        betas = random.choice(space.choices, space.num_blocks)
        with suppress(BudgetError):
            return space.candidate(betas.tolist()).widths
    return space.baseline.widths


def widest(space: SearchSpace) -> Widths:
    """Widths that hardly any candidate exceeds: of each block the largest of the baseline and of WIDEST_DRAWS random
    candidates.
    """
    candidates = (space.baseline, *space.random_candidates(WIDEST_DRAWS, seed=0))
    return tuple(np.max([each.widths for each in candidates], axis=0).tolist())
