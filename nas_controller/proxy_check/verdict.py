"""Compares the findings of a study with thresholds: criterion by criterion, and in sentences. Pure.

Where a criterion could be computed in two ways, the stricter one decides and the other is reported too: the one-way
intraclass correlation, the architecture that varies most, the rank correlation of a single seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nas_controller.proxy_check.findings import Findings
from nas_controller.proxy_check.statistics import Estimate
from nas_controller.proxy_check.study import Study

Status = Literal["pass", "fail", "unknown"]
Bound = Literal["at least", "under"]


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of a proxy task.

    `aim_tau` is the rank correlation that Vertex AI NAS recommends before a search; a lower one is reported but does
    not fail the check. A study of fewer than `architectures` and `seeds` is judged too, and reported as small.
    """

    min_icc: float = 0.5
    max_variation: float = 0.15
    min_tau: float = 0.5
    aim_tau: float = 0.65
    max_seconds: float = 90.0
    architectures: int = 16
    seeds: int = 3


@dataclass(frozen=True)
class Criterion:
    """`measured` must be at least or under (`bound`) the `threshold`; `low` and `high` are its 95 % interval."""

    name: str
    subject: str
    measured: float | None
    low: float | None
    high: float | None
    bound: Bound
    threshold: float

    @property
    def status(self) -> Status:
        """The measured value decides; the interval shows how certain that is."""
        if self.measured is None:
            return "unknown"
        holds = self.measured >= self.threshold if self.bound == "at least" else self.measured < self.threshold
        return "pass" if holds else "fail"

    @property
    def is_clear(self) -> bool | None:
        """Whether the whole interval lies on one side of the threshold; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.high < self.threshold or self.low >= self.threshold


@dataclass(frozen=True)
class Verdict:
    """All criteria and the result. `passed` if every criterion passes and no training is missing."""

    criteria: tuple[Criterion, ...]
    passed: bool
    text: str


def judge(study: Study, findings: Findings, thresholds: Thresholds) -> Verdict:
    """The verdict. The rank correlation is a criterion only with a reference, the noise only with two or more seeds."""
    criteria = [_intraclass(findings, thresholds), _variation(findings, thresholds)] if study.measures_noise else []
    if study.has_reference:
        criteria.append(_tau(findings, thresholds))
    criteria.append(_seconds(findings, thresholds))
    passed = findings.is_complete and all(criterion.status == "pass" for criterion in criteria)
    return Verdict(tuple(criteria), passed, " ".join(_sentences(study, findings, criteria, thresholds)))


def _intraclass(findings: Findings, thresholds: Thresholds) -> Criterion:
    subject = "between architectures, ICC(1)"
    return _estimated("intraclass_correlation", subject, findings.intraclass_one_way, thresholds.min_icc)


def _variation(findings: Findings, thresholds: Thresholds) -> Criterion:
    worst = None if findings.variation is None else findings.variation.worst
    return _bounded("coefficient_of_variation", "between seeds, CV of the worst", worst, thresholds.max_variation)


def _tau(findings: Findings, thresholds: Thresholds) -> Criterion:
    subject = "order, Kendall tau of one seed"
    return _estimated("kendall_tau", subject, findings.correlation.kendall_of_one_seed, thresholds.min_tau)


def _seconds(findings: Findings, thresholds: Thresholds) -> Criterion:
    median = None if findings.proxy_seconds is None else findings.proxy_seconds.median
    return _bounded("seconds", "seconds of a trial", median, thresholds.max_seconds)


def _estimated(name: str, subject: str, estimate: Estimate | None, threshold: float) -> Criterion:
    value, low, high = (None, None, None) if estimate is None else estimate
    return Criterion(name, subject, value, low, high, "at least", threshold)


def _bounded(name: str, subject: str, measured: float | None, threshold: float) -> Criterion:
    return Criterion(name, subject, measured, None, None, "under", threshold)


def _sentences(study: Study, findings: Findings, criteria: list[Criterion], thresholds: Thresholds) -> list[str]:
    failed = [criterion.name.replace("_", " ") for criterion in criteria if criterion.status == "fail"]
    unknown = [criterion.name.replace("_", " ") for criterion in criteria if criterion.status == "unknown"]
    missing = findings.trainings - findings.finished
    sentences = []
    if not study.trains:
        sentences.append("Nothing was trained: this profile computes its reward from the widths.")
    if failed:
        sentences.append(f"Not passed: {len(failed)} of {len(criteria)} criteria fail ({', '.join(failed)}).")
    elif unknown:
        sentences.append(f"No verdict: {len(unknown)} of {len(criteria)} criteria are unknown ({', '.join(unknown)}).")
    elif missing:
        sentences.append(f"No verdict yet: all {len(criteria)} criteria hold so far.")
    else:
        sentences.append(f"Passed: all {len(criteria)} criteria hold.")
    if missing:
        sentences.append(f"{missing} of {findings.trainings} trainings have no reward.")
    uncertain = [criterion.name.replace("_", " ") for criterion in criteria if criterion.is_clear is False]
    if uncertain:
        sentences.append(f"Uncertain, since the interval contains the threshold: {', '.join(uncertain)}.")
    tau = findings.correlation.kendall_of_one_seed
    if tau is not None and thresholds.min_tau <= tau.value < thresholds.aim_tau:
        sentences.append(f"Kendall tau is below the recommended {thresholds.aim_tau:g}.")
    ceiling = None if findings.truth is None else findings.truth.kendall_ceiling
    if tau is not None and tau.value < thresholds.aim_tau and ceiling is not None and ceiling < thresholds.aim_tau:
        sentences.append(
            f"The truth table is too noisy to show {thresholds.aim_tau:g}: a perfect proxy would have {ceiling:.2f}."
        )
    if not study.measures_noise:
        sentences.append("The noise between seeds was not checked, since there is one seed.")
    has_few_seeds = study.measures_noise and len(study.seeds) < thresholds.seeds
    if len(study.architectures) < thresholds.architectures or has_few_seeds:
        seeds = f"{len(study.seeds)} seeds" if study.measures_noise else "1 seed"
        sentences.append(
            f"The study is small: {len(study.architectures)} architectures and {seeds}, where "
            f"{thresholds.architectures} and {thresholds.seeds} are recommended."
        )
    if not study.has_reference:
        sentences.append("The order of the architectures was not checked, since there is no reference.")
    return sentences
