"""A proxy check as one document of plain JSON values."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from nas_controller.proxy_check.findings import ArchitectureRow, Findings
from nas_controller.proxy_check.statistics import Estimate
from nas_controller.proxy_check.study import Study
from nas_controller.proxy_check.truth import TruthTable
from nas_controller.proxy_check.verdict import Criterion, Thresholds, Verdict


def document(
    study: Study, findings: Findings, verdict: Verdict, thresholds: Thresholds, results: Path
) -> dict[str, Any]:
    """Study, trainings, architectures, estimates, thresholds, criteria and verdict; unknown values are null."""
    correlation = findings.correlation
    return {
        "study": {
            "base": study.base.name,
            "dataset": study.dataset,
            "architectures": len(study.architectures),
            "seeds": list(study.seeds),
            "task": study.task.to_dict(),
            "reference": None
            if study.reference is None
            else {"task": study.reference.to_dict(), "seed": study.reference_seed},
            "trained": study.trains,
        },
        "results": str(results),
        "trainings": {
            "asked": findings.trainings,
            "finished": findings.finished,
            "failures": [
                {
                    "purpose": failure.training.purpose,
                    "architecture": failure.training.architecture,
                    "seed": failure.training.seed,
                    "error": failure.error,
                }
                for failure in findings.failures
            ],
        },
        "architectures": [_row(row) for row in findings.rows],
        "truth": _truth(study.truth, findings),
        "estimates": {
            "compared_architectures": findings.compared,
            "compared_seeds": findings.compared_seeds,
            "intraclass_one_way": _estimate(findings.intraclass_one_way),
            "intraclass_consistency": _estimate(findings.intraclass_consistency),
            "variation": None if findings.variation is None else findings.variation._asdict(),
            "correlated_architectures": findings.correlated,
            "kendall_of_one_seed": _estimate(correlation.kendall_of_one_seed),
            "kendall_of_mean": _estimate(correlation.kendall_of_mean),
            "spearman_of_one_seed": _estimate(correlation.spearman_of_one_seed),
            "spearman_of_mean": _estimate(correlation.spearman_of_mean),
            "proxy_seconds": None if findings.proxy_seconds is None else asdict(findings.proxy_seconds),
            "reference_seconds": None if findings.reference_seconds is None else asdict(findings.reference_seconds),
        },
        "thresholds": asdict(thresholds),
        "criteria": [_criterion(criterion) for criterion in verdict.criteria],
        "verdict": {"passed": verdict.passed, "text": verdict.text},
    }


def _row(row: ArchitectureRow) -> dict[str, Any]:
    return {
        "number": row.number,
        "name": row.name,
        "widths": list(row.widths),
        "madds_ratio": row.madds_ratio,
        "rewards": list(row.rewards),
        "mean": row.spread and row.spread.mean,
        "standard_deviation": row.spread and row.spread.deviation,
        "coefficient_of_variation": row.spread and row.spread.coefficient,
        "reference": row.reference,
    }


def _truth(table: TruthTable | None, findings: Findings) -> dict[str, Any] | None:
    """The truth table's quality, and the correlation with its better half."""
    quality = findings.truth
    if table is None or quality is None:
        return None
    return {
        "results": str(table.path),
        "task": dict(table.task),
        "dataset": table.dataset,
        "architectures": quality.architectures,
        "min_seeds": quality.min_seeds,
        "max_seeds": quality.max_seeds,
        "intraclass_one_way": _estimate(quality.intraclass_one_way),
        "intraclass_consistency": _estimate(quality.intraclass_consistency),
        **quality.dispersion._asdict(),
        "kendall_ceiling": quality.kendall_ceiling,
        "better_half_architectures": findings.better_half,
        "kendall_of_better_half": _estimate(findings.kendall_of_better_half),
    }


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else estimate._asdict()


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {**asdict(criterion), "status": criterion.status, "clear": criterion.is_clear}
