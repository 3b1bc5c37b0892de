"""Computes the estimates of a study from its results so far. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from nas_controller.proxy_check.results import Result, Results, training_key
from nas_controller.proxy_check.statistics import (
    MIN_ARCHITECTURES,
    MIN_SEEDS,
    Estimate,
    RankCorrelation,
    Spread,
    Variation,
    intraclass_consistency,
    intraclass_one_way,
    rank_correlation,
    spread,
    variation,
)
from nas_controller.proxy_check.study import Study, Training


@dataclass(frozen=True)
class ArchitectureRow:
    """One architecture: its rewards by seed (None if there is none yet), and their spread."""

    number: int
    widths: tuple[int, ...]
    madds_ratio: float
    rewards: tuple[float | None, ...]
    reference: float | None
    spread: Spread | None


@dataclass(frozen=True)
class Seconds:
    """The durations of the trainings of one task: the median, the shortest and the longest.

    `threads` are the numbers of processors per training that occurred, `at_once` those of concurrent trainings.
    """

    median: float
    low: float
    high: float
    threads: tuple[int, ...]
    at_once: tuple[int, ...]


@dataclass(frozen=True)
class Failure:
    """A training without a reward, and its error."""

    training: Training
    error: str


@dataclass(frozen=True)
class Findings:
    """The estimates of a study so far.

    The correlations are over `compared` architectures and `compared_seeds` seeds: the largest part of the table of
    rewards without a gap.
    """

    rows: tuple[ArchitectureRow, ...]
    trainings: int
    finished: int
    failures: tuple[Failure, ...]
    compared: int
    compared_seeds: int
    intraclass_one_way: Estimate | None
    intraclass_consistency: Estimate | None
    variation: Variation | None
    correlation: RankCorrelation
    correlated: int
    proxy_seconds: Seconds | None
    reference_seconds: Seconds | None

    @property
    def is_complete(self) -> bool:
        """Whether every training of the study has its reward."""
        return self.finished == self.trainings


def find(study: Study, results: Results) -> Findings:
    """The estimates of the study, from those of its trainings that have a result."""
    trainings = study.trainings()
    pairs = [(training, results.get(training_key(study, training))) for training in trainings]
    rows = _rows(study, pairs)
    architectures, seeds = largest_complete_part([row.rewards for row in rows])
    table = np.array([[rows[number].rewards[seed] for seed in seeds] for number in architectures], dtype=np.float64)
    is_comparable = len(architectures) >= MIN_ARCHITECTURES and len(seeds) >= MIN_SEEDS
    references = [rows[number].reference for number in architectures]
    with_reference = [index for index, reference in enumerate(references) if reference is not None]
    return Findings(
        rows=rows,
        trainings=len(trainings),
        finished=sum(result is not None and result.reward is not None for _, result in pairs),
        failures=tuple(
            Failure(training, result.error or "") for training, result in pairs if result and result.reward is None
        ),
        compared=len(architectures),
        compared_seeds=len(seeds),
        intraclass_one_way=intraclass_one_way(table) if is_comparable else None,
        intraclass_consistency=intraclass_consistency(table) if is_comparable else None,
        variation=variation([row.spread for row in rows if row.spread is not None]),
        correlation=rank_correlation(table[with_reference], np.array(references, dtype=np.float64)[with_reference])
        if with_reference
        else RankCorrelation(),
        correlated=len(with_reference),
        proxy_seconds=_seconds([result for training, result in pairs if training.purpose == "proxy"]),
        reference_seconds=_seconds([result for training, result in pairs if training.purpose == "reference"]),
    )


def largest_complete_part(rewards: Sequence[Sequence[float | None]]) -> tuple[list[int], list[int]]:
    """The rows and columns of the largest part of a table without a gap, among parts of its fullest columns.

    Of two equally large parts, the one with more columns. Both lists are empty if the table has no reward.
    """
    gaps = [sum(row[column] is None for row in rewards) for column in range(len(rewards[0]))]
    by_fullness = sorted(range(len(gaps)), key=lambda column: gaps[column])
    best: tuple[list[int], list[int]] = ([], [])
    for count in range(1, len(gaps) + 1):
        columns = sorted(by_fullness[:count])
        rows = [number for number, row in enumerate(rewards) if all(row[column] is not None for column in columns)]
        if rows and len(rows) * len(columns) >= len(best[0]) * len(best[1]):
            best = (rows, columns)
    return best


def _rows(study: Study, results: Sequence[tuple[Training, Result | None]]) -> tuple[ArchitectureRow, ...]:
    rewards = {
        (training.purpose, training.architecture, training.seed): result.reward
        for training, result in results
        if result is not None
    }
    rows = []
    for number, candidate in enumerate(study.architectures):
        of_seeds = tuple(rewards.get(("proxy", number, seed)) for seed in study.seeds)
        seed_rewards = [reward for reward in of_seeds if reward is not None]
        reference = rewards.get(("reference", number, study.reference_seed))
        rows.append(
            ArchitectureRow(
                number,
                candidate.widths,
                candidate.madds_ratio,
                of_seeds,
                reference,
                spread(seed_rewards) if seed_rewards else None,
            )
        )
    return tuple(rows)


def _seconds(results: Sequence[Result | None]) -> Seconds | None:
    timed = [result for result in results if result is not None and "seconds" in result.metrics]
    if not timed:
        return None
    seconds = [result.metrics["seconds"] for result in timed]
    return Seconds(
        median(seconds),
        min(seconds),
        max(seconds),
        tuple(sorted({result.threads for result in timed})),
        tuple(sorted({result.at_once for result in timed})),
    )
