"""The estimates, the verdict and the reports of a check against a truth table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_controller.proxy_check.document import document
from nas_controller.proxy_check.findings import Findings, better_half, find
from nas_controller.proxy_check.plot import draw
from nas_controller.proxy_check.statistics import rank_correlation
from nas_controller.proxy_check.study import Study, Training, design
from nas_controller.proxy_check.tables import print_check
from nas_controller.proxy_check.truth import TruthTable, assess
from nas_controller.proxy_check.verdict import Thresholds, judge
from search_space.proxy_task import resolve
from search_space.space import SearchSpace
from tests.support.training_results import even_widths, results_of

SMALL = Thresholds(architectures=3, seeds=2)
TRUTH = [[0.30, 0.32], [0.50, 0.48], [0.41, 0.40], [0.70, 0.72], [0.60, 0.64], [0.20, 0.22], [0.80, 0.79]]
"""Rewards of the table; its better half is architectures 1, 3, 4 and 6."""
PROXY = [0.1, 0.4, 0.3, 0.5, 0.6, 0.2, 0.7]
"""Rewards of the proxy: 0 and 5 are in the wrong order, and so are 3 and 4."""


def truth_study(seeds: int = 1, table: list[list[float]] = TRUTH) -> Study:
    rewards = {even_widths(number): dict(enumerate(of_seeds, 1)) for number, of_seeds in enumerate(table)}
    return design(
        SearchSpace(),
        resolve("synthetic"),
        None,
        architectures=None,
        seeds=seeds,
        reference_factor=None,
        seed=1,
        truth=TruthTable(Path("truth.jsonl"), {"steps": 9}, "/digits", rewards),
    )


def proxy(training: Training) -> float:
    return PROXY[training.architecture] + 0.001 * training.seed


def found(study: Study, reward: Callable[[Training], float | None] = proxy) -> Findings:
    return find(study, results_of(study, reward))


def written(study: Study, findings: Findings) -> dict[str, Any]:
    verdict = judge(study, findings, SMALL)
    text = json.dumps(document(study, findings, verdict, SMALL, Path("r.jsonl")), allow_nan=False)
    return dict(json.loads(text))


def test_the_means_of_the_table_are_the_reference() -> None:
    findings = found(truth_study())
    assert [row.reference for row in findings.rows] == pytest.approx([sum(seeds) / 2 for seeds in TRUTH])
    assert findings.correlated == 7
    assert findings.correlation.kendall_of_one_seed is not None
    assert findings.correlation.kendall_of_one_seed.value == pytest.approx((21 - 2 * 2) / 21)
    assert findings.reference_seconds is None
    assert findings.is_complete


def test_the_better_half_is_that_of_the_table() -> None:
    findings = found(truth_study())
    assert findings.better_half == 4
    half = [1, 3, 4, 6]
    expected = rank_correlation([[PROXY[number]] for number in half], [sum(TRUTH[number]) for number in half])
    assert findings.kendall_of_better_half == expected.kendall_of_one_seed
    assert findings.kendall_of_better_half is not None
    assert findings.kendall_of_better_half.value == pytest.approx((6 - 2) / 6)


@pytest.mark.parametrize(
    ("means", "expected"), [([0.1, 0.3, 0.2, 0.4], [1, 3]), ([0.2, 0.2, 0.2], [0, 1]), ([0.5], [0]), ([], [])]
)
def test_the_better_half_is_rounded_up_and_takes_the_first_of_equals(means: list[float], expected: list[int]) -> None:
    assert better_half(np.array(means)) == expected


def test_a_better_half_of_two_architectures_has_no_correlation() -> None:
    findings = found(truth_study(table=TRUTH[:4]))
    assert (findings.better_half, findings.kendall_of_better_half) == (2, None)
    assert written(truth_study(table=TRUTH[:4]), findings)["truth"]["kendall_of_better_half"] is None


def test_an_architecture_without_a_proxy_reward_is_not_compared() -> None:
    findings = found(truth_study(), lambda training: None if training.architecture == 6 else proxy(training))
    assert (findings.correlated, findings.better_half) == (6, 3)
    assert findings.rows[6].reference == pytest.approx(0.795)
    assert found(truth_study(), lambda training: None).kendall_of_better_half is None


def test_one_seed_is_judged_by_the_ranking_and_the_seconds_alone() -> None:
    study = truth_study()
    verdict = judge(study, found(study), SMALL)
    assert [(criterion.name, criterion.status) for criterion in verdict.criteria] == [
        ("kendall_tau", "pass"), ("seconds", "pass"),
    ]  # fmt: skip
    assert verdict.passed
    assert "The noise between seeds was not checked" in verdict.text
    assert "order of the architectures was not checked" not in verdict.text
    assert "small" not in verdict.text
    assert "small: 7 architectures and 1 seed, where" in judge(study, found(study), Thresholds()).text


def test_a_table_that_is_too_noisy_to_show_the_aim_is_named() -> None:
    noisy = [[mean - 0.2, mean + 0.2] for mean, _ in TRUTH]
    study = truth_study(table=noisy)
    findings = found(study, lambda training: 0.1 * (training.architecture % 3))
    ceiling = written(study, findings)["truth"]["kendall_ceiling"]
    assert 0 < ceiling < Thresholds.aim_tau
    assert f"too noisy to show 0.65: a perfect proxy would have {ceiling:.2f}" in judge(study, findings, SMALL).text
    assert "too noisy" not in judge(truth_study(), found(truth_study()), SMALL).text


def test_two_seeds_are_judged_by_the_noise_too() -> None:
    study = truth_study(seeds=2)
    verdict = judge(study, found(study), SMALL)
    assert [criterion.name for criterion in verdict.criteria] == [
        "intraclass_correlation", "coefficient_of_variation", "kendall_tau", "seconds",
    ]  # fmt: skip
    assert "noise between seeds was not" not in verdict.text


def test_the_document_has_the_table_and_its_quality() -> None:
    study = truth_study()
    findings, quality = found(study), assess(study.truth) if study.truth else None
    truth = written(study, findings)["truth"]
    assert quality is not None
    assert quality.intraclass_one_way is not None
    assert truth["intraclass_one_way"] == quality.intraclass_one_way._asdict()
    assert {name: truth[name] for name in quality.dispersion._fields} == quality.dispersion._asdict()
    assert (truth["architectures"], truth["min_seeds"], truth["max_seeds"]) == (7, 2, 2)
    assert (truth["results"], truth["task"], truth["dataset"]) == ("truth.jsonl", {"steps": 9}, "/digits")
    assert truth["better_half_architectures"] == 4
    assert truth["kendall_of_better_half"]["value"] == pytest.approx(2 / 3)
    assert truth["kendall_ceiling"] == quality.kendall_ceiling


def test_the_printed_tables_have_the_quality_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    study = truth_study(table=[*TRUTH[:6], [0.8]])
    findings = found(study)
    print_check(study, findings, judge(study, findings, SMALL))
    out = capsys.readouterr().out
    rows = {line.split("  ")[0].strip(): line.split() for line in out.splitlines()}
    assert rows["Kendall tau, the better half"][-2:] == ["4", "architectures"]
    assert "7 x 1-2 rewards" in out
    assert findings.truth is not None
    error, spread, ratio = findings.truth.dispersion
    assert f"{error:.3f}" in rows["truth: error of a mean"]
    assert f"{spread:.3f}" in rows["truth: spread of true values"]
    assert f"{ratio:.3f}" in rows["truth: spread / error"]
    assert "truth: ICC(1)" in rows
    assert max(len(line.rstrip()) for line in out.splitlines()[:-1]) <= 80


def test_the_plot_has_the_means_of_the_table_on_its_right() -> None:
    _, right = draw(found(truth_study())).axes
    points = sorted(line.get_ydata()[0] for line in right.get_lines() if line.get_marker() == "o")
    assert points == pytest.approx(sorted(sum(seeds) / 2 for seeds in TRUTH))
