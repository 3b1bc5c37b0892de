"""Rows of studies with known values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search_space.space import SearchSpace
from tools.studies.finals import references
from tools.studies.results_findings import BEST_OF_RANDOM, DATASET, RANDOM, REINFORCE, SAVER, WINNER
from tools.studies.rows import Final, Finalist, Rows, Search, Settings, Trial

SETTINGS = Settings("make results", "0.1.0", "laptop", (), "the profile laptop-alone, 2,000 steps", False)
UNIFORM_AP = (0.30, 0.31, 0.29)
SEEDS = (101, 102, 103)


def trials(search: str, aps: Sequence[float]) -> tuple[Trial, ...]:
    """The uniform baseline and random architectures, with these AP."""
    space = SearchSpace()
    candidates = [space.baseline, *space.random_candidates(len(aps) - 1, 1 if search == REINFORCE else 2)]
    return tuple(
        Trial(search, number, ap, candidate.params, candidate.madds, candidate.widths)
        for number, (candidate, ap) in enumerate(zip(candidates, aps, strict=True))
    )


def finals(finalist: Finalist, gains: Sequence[float], dataset: str = DATASET, seconds: float = 100.0) -> list[Final]:
    """Trainings of a finalist that differ from the uniform baseline's by `gains`."""
    return [
        Final(dataset, finalist.label, seed, ap + gain, seconds)
        for seed, ap, gain in zip(SEEDS, UNIFORM_AP, gains, strict=True)
    ]


def results_rows(
    winner: Sequence[float], *, params_ratio: float = 1.0, saver: tuple[float, Sequence[float]] | None = None
) -> Rows:
    """Rows of `make results` whose winner has these gains and this share of the baseline's parameters.

    `saver` are the share and the gains of the best with fewer parameters.
    """
    uniform, published = references()
    searched, random = trials(REINFORCE, [0.3, 0.2, 0.25, 0.31]), trials(RANDOM, [0.3, 0.1, 0.2, 0.15])

    def finalist(label: str, of: Trial, ratio: float) -> Finalist:
        return Finalist(label, of.search, of.number, of.ap, round(ratio * uniform.params), of.madds, of.widths)

    gains: Mapping[Finalist, Sequence[float]] = {
        uniform: (0, 0, 0),
        published: (0.01, 0.02, -0.01),
        finalist(WINNER, searched[3], params_ratio): winner,
        **({} if saver is None else {finalist(SAVER, searched[2], saver[0]): saver[1]}),
        finalist(BEST_OF_RANDOM, random[2], 0.9): (-0.05, -0.06, -0.04),
    }
    searches = (
        Search(REINFORCE, "reinforce", DATASET, 1, 4, 40.0, 8.0, 30.0),
        Search(RANDOM, "random", DATASET, 1, 4, 0.0, 56.0, 10.0),
    )
    rows = [final for each, differences in gains.items() for final in finals(each, differences)]
    return Rows(SETTINGS, searches, searched + random, tuple(gains), tuple(rows))
