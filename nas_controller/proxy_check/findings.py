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
    FloatArray,
    RankCorrelation,
    Spread,
    Variation,
    intraclass_consistency,
    intraclass_one_way,
    largest_complete_part,
    rank_correlation,
    spread,
    variation,
)
from nas_controller.proxy_check.study import Study, Training
from nas_controller.proxy_check.truth import TruthQuality, assess


@dataclass(frozen=True)
class ArchitectureRow:
    """One architecture: its rewards by seed (None if there is none yet), and their spread.

    `reference` is the reward of its longer training, or its mean in the truth table.
    """

    number: int
    name: str | None
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
    rewards without a gap. With a truth table, `truth` is its quality, and `kendall_of_better_half` the correlation of
    one seed over the `better_half` of the correlated architectures: those with the highest means in the table.
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
    truth: TruthQuality | None = None
    better_half: int = 0
    kendall_of_better_half: Estimate | None = None

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
    references = np.array([rows[number].reference for number in architectures], dtype=np.float64)
    with_reference = ~np.isnan(references)
    correlated, references = table[with_reference], references[with_reference]
    better = better_half(references) if study.truth is not None else []
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
        correlation=_correlation(correlated, references),
        correlated=len(references),
        proxy_seconds=_seconds([result for training, result in pairs if training.purpose == "proxy"]),
        reference_seconds=_seconds([result for training, result in pairs if training.purpose == "reference"]),
        truth=None if study.truth is None else assess(study.truth),
        better_half=len(better),
        kendall_of_better_half=_correlation(correlated[better], references[better]).kendall_of_one_seed,
    )


def better_half(references: FloatArray) -> list[int]:
    """The indices of the highest half of the rewards, rounded up; of equal rewards, the first ones."""
    descending = np.argsort(-references, kind="stable")
    return sorted(descending[: (len(references) + 1) // 2].tolist())


def _correlation(table: FloatArray, references: FloatArray) -> RankCorrelation:
    return rank_correlation(table, references) if len(references) else RankCorrelation()


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
        if study.truth is not None:
            reference: float | None = study.truth.mean(candidate.widths)
        else:
            reference = rewards.get(("reference", number, study.reference_seed))
        rows.append(
            ArchitectureRow(
                number,
                study.names[number],
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
