"""Prints a proxy check: tables of the architectures and the estimates, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nas_controller.proxy_check.findings import ArchitectureRow, Findings
from nas_controller.proxy_check.statistics import Estimate
from nas_controller.proxy_check.study import Study
from nas_controller.proxy_check.truth import TruthQuality
from nas_controller.proxy_check.verdict import Criterion, Verdict
from search_space.terminal import print_text, spark_line
from search_space.terminal_table import print_table

if TYPE_CHECKING:
    from rich.text import Text

_FAILURES_SHOWN = 5
_STYLES = {"pass": "green", "fail": "bold red", "unknown": "yellow"}


def print_check(study: Study, findings: Findings, verdict: Verdict) -> None:
    """Prints the check on standard output."""
    print_table(*_architectures(study, findings), left=("widths",))
    print_table(("estimate", "value", "95 % interval", "over"), _estimates(findings), left=("estimate", "over"))
    columns = ("", "criterion", "measured", "95 % interval", "threshold")
    print_table(columns, [_criterion(criterion) for criterion in verdict.criteria], left=("", "criterion", "threshold"))
    for failure in findings.failures[:_FAILURES_SHOWN]:
        training = failure.training
        print_text(
            f"{training.purpose} of architecture {training.architecture}, seed {training.seed}, failed: {failure.error}"
        )
    if len(findings.failures) > _FAILURES_SHOWN:
        print_text(f"and {len(findings.failures) - _FAILURES_SHOWN} more failures")
    print_text(verdict.text)


def _architectures(study: Study, findings: Findings) -> tuple[Sequence[str], list[Sequence[str | Text]]]:
    reference = ("reference",) if study.has_reference else ()
    columns = ("", "widths", "seeds", "mean", "std", "CV", *reference)
    return columns, [_architecture(row, bool(reference)) for row in findings.rows]


def _architecture(row: ArchitectureRow, with_reference: bool) -> Sequence[str | Text]:
    spread = row.spread
    cells = [
        row.name or str(row.number),
        spark_line(row.widths),
        str(sum(reward is not None for reward in row.rewards)),
        _decimals(None if spread is None else spread.mean),
        _decimals(None if spread is None else spread.deviation),
        _decimals(None if spread is None else spread.coefficient),
    ]
    return [*cells, _decimals(row.reference)] if with_reference else cells


def _estimates(findings: Findings) -> list[Sequence[str | Text]]:
    table = f"{findings.compared} x {findings.compared_seeds} rewards"
    rows: list[Sequence[str | Text]] = [
        _estimate("ICC(1), seeds count as noise", findings.intraclass_one_way, table),
        _estimate("ICC(C,1), all with one seed", findings.intraclass_consistency, table),
    ]
    variation = findings.variation
    rows.append(("CV, median architecture", _decimals(None if variation is None else variation.median), "", ""))
    rows.append(("CV, worst architecture", _decimals(None if variation is None else variation.worst), "", ""))
    correlation = findings.correlation
    if findings.correlated:
        over = f"{findings.correlated} architectures"
        rows += [
            _estimate("Kendall tau, one seed", correlation.kendall_of_one_seed, over),
            _estimate("Kendall tau, mean of seeds", correlation.kendall_of_mean, over),
            _estimate("Spearman rho, one seed", correlation.spearman_of_one_seed, over),
            _estimate("Spearman rho, mean of seeds", correlation.spearman_of_mean, over),
        ]
    if findings.truth is not None:
        over = f"{findings.better_half} architectures"
        rows.append(_estimate("Kendall tau, the better half", findings.kendall_of_better_half, over))
        rows += _truth(findings.truth)
    for name, seconds in (("trial", findings.proxy_seconds), ("reference", findings.reference_seconds)):
        if seconds is not None:
            over = f"{_numbers(seconds.threads)} threads, {_numbers(seconds.at_once)} at once"
            rows.append((f"seconds of a {name}", f"{seconds.median:.1f}", "", over))
    return rows


def _truth(quality: TruthQuality) -> list[Sequence[str | Text]]:
    seeds = "-".join(map(str, sorted({quality.min_seeds, quality.max_seeds})))
    over = f"{quality.architectures} x {seeds} rewards"
    dispersion = quality.dispersion
    return [
        _estimate("truth: ICC(1)", quality.intraclass_one_way, over),
        _estimate("truth: ICC(C,1)", quality.intraclass_consistency, over),
        ("truth: error of a mean", _decimals(dispersion.standard_error), "", over),
        ("truth: spread of true values", _decimals(dispersion.spread), "", over),
        ("truth: spread / error", _decimals(dispersion.spread_over_error), "", over),
        ("truth: tau of a perfect proxy", _decimals(quality.kendall_ceiling), "", over),
    ]


def _estimate(name: str, estimate: Estimate | None, over: str) -> Sequence[str | Text]:
    if estimate is None:
        return name, "-", "", over
    return name, f"{estimate.value:.3f}", _interval(estimate.low, estimate.high), over


def _criterion(criterion: Criterion) -> Sequence[str | Text]:
    from rich.text import Text

    return (
        Text(criterion.status, style=_STYLES[criterion.status]),
        criterion.subject,
        "-" if criterion.measured is None else f"{criterion.measured:.3f}",
        _interval(criterion.low, criterion.high),
        f"{criterion.bound} {criterion.threshold:g}",
    )


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"


def _numbers(values: tuple[int, ...]) -> str:
    return " or ".join(map(str, values))


def _decimals(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
