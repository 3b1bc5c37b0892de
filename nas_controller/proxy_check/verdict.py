"""The findings of a study held to thresholds: criterion by criterion, and in one sentence. Pure.

Where a bar can be read in two ways, the stricter one decides and the other is reported beside it: the one-way
intraclass correlation, the architecture that varies most, the rank correlation that a single seed gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from nas_controller.proxy_check.findings import Findings, Seconds
from nas_controller.proxy_check.statistics import Estimate
from nas_controller.proxy_check.study import Study

Status = Literal["pass", "fail", "unknown"]
Bound = Literal["at least", "under"]


@dataclass(frozen=True)
class Thresholds:
    """What a proxy task must reach.

    `aim_tau` is what Vertex AI NAS asks of a proxy task before a search; falling short of it is said and fails nothing.
    A study of fewer than `architectures` and `seeds` is judged too, but said to be small.
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
    """One bar: `measured` must be `bound` (at least, under) `threshold`. `low` and `high` are its 95 % interval."""

    name: str
    subject: str
    measured: float | None
    low: float | None
    high: float | None
    bound: Bound
    threshold: float
    remark: str = ""

    @property
    def status(self) -> Status:
        """Decided by the measured value; the interval says how sure that is."""
        if self.measured is None:
            return "unknown"
        holds = self.measured >= self.threshold if self.bound == "at least" else self.measured < self.threshold
        return "pass" if holds else "fail"

    @property
    def is_clear(self) -> bool | None:
        """Whether the whole interval lies on the side of the measured value; None where there is no interval."""
        if self.low is None or self.high is None:
            return None
        return self.high < self.threshold or self.low >= self.threshold


@dataclass(frozen=True)
class Verdict:
    """All criteria and what they come to. `passed` only where each of them passes and no training is missing."""

    criteria: tuple[Criterion, ...]
    passed: bool
    text: str


def judge(study: Study, findings: Findings, thresholds: Thresholds) -> Verdict:
    """The verdict. The rank correlation is a criterion only where the study has a reference."""
    criteria = [_intraclass(findings, thresholds), _variation(findings, thresholds)]
    if study.reference is not None:
        criteria.append(_tau(findings, thresholds))
    criteria.append(_seconds(findings.proxy_seconds, thresholds))
    passed = findings.is_complete and all(criterion.status == "pass" for criterion in criteria)
    return Verdict(tuple(criteria), passed, " ".join(_sentences(study, findings, criteria, thresholds)))


def _intraclass(findings: Findings, thresholds: Thresholds) -> Criterion:
    consistency = findings.intraclass_consistency
    return _estimated(
        "intraclass_correlation",
        "variance between architectures, ICC(1)",
        findings.intraclass_one_way,
        thresholds.min_icc,
        "" if consistency is None else f"{consistency.value:.2f} among trials of one seed",
    )


def _variation(findings: Findings, thresholds: Thresholds) -> Criterion:
    found = findings.variation
    return Criterion(
        name="coefficient_of_variation",
        subject="variation over the seeds, worst architecture",
        measured=None if found is None else found.worst,
        low=None,
        high=None,
        bound="under",
        threshold=thresholds.max_variation,
        remark="" if found is None else f"median {found.median:.3f}",
    )


def _tau(findings: Findings, thresholds: Thresholds) -> Criterion:
    one_seed, of_mean = findings.correlation.kendall_of_one_seed, findings.correlation.kendall_of_mean
    remarks = [] if of_mean is None else [f"{of_mean.value:.2f} by the mean of the seeds"]
    if one_seed is not None and thresholds.min_tau <= one_seed.value < thresholds.aim_tau:
        remarks.append(f"aim at {thresholds.aim_tau:g}")
    return _estimated(
        "kendall_tau",
        "order as by the reference, Kendall tau, one seed",
        one_seed,
        thresholds.min_tau,
        "; ".join(remarks),
    )


def _estimated(name: str, subject: str, found: Estimate | None, threshold: float, remark: str) -> Criterion:
    value, low, high = (None, None, None) if found is None else found
    return Criterion(name, subject, value, low, high, "at least", threshold, remark)


def _seconds(found: Seconds | None, thresholds: Thresholds) -> Criterion:
    remark = ""
    if found is not None:
        remark = (
            f"{found.low:.1f} to {found.high:.1f}; threads {_numbers(found.threads)}, {_numbers(found.at_once)} at once"
        )
    return Criterion(
        name="seconds",
        subject="seconds of a trial, median",
        measured=None if found is None else found.median,
        low=None,
        high=None,
        bound="under",
        threshold=thresholds.max_seconds,
        remark=remark,
    )


def _numbers(values: tuple[int, ...]) -> str:
    return " or ".join(map(str, values))


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
    unsure = [criterion.name.replace("_", " ") for criterion in criteria if criterion.is_clear is False]
    if unsure:
        sentences.append(f"Not certain, since the interval reaches across the threshold: {', '.join(unsure)}.")
    if len(study.architectures) < thresholds.architectures or len(study.seeds) < thresholds.seeds:
        sentences.append(
            f"The study is small: {len(study.architectures)} architectures and {len(study.seeds)} seeds, where "
            f"{thresholds.architectures} and {thresholds.seeds} are meant."
        )
    if study.reference is None:
        sentences.append("The order of the architectures was not checked, since there is no reference.")
    return sentences
