from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas_controller.proxy_check.document import document
from nas_controller.proxy_check.findings import Findings, find
from nas_controller.proxy_check.study import Study, Training
from nas_controller.proxy_check.verdict import Criterion, Thresholds, Verdict, judge
from tests.support.training_results import result, results_of, synthetic_study

SMALL = Thresholds(architectures=3, seeds=2)


def steady(training: Training) -> float:
    """Rewards that increase with the architecture's number, with a little noise for each seed and architecture."""
    noise = 0.002 * ((training.architecture * 7 + training.seed * 3) % 5 - 2)
    return 0.1 * (training.architecture + 1) + noise


def found(study: Study, trainings: int | None = None) -> Findings:
    return find(study, results_of(study, steady, trainings))


def criteria(verdict: Verdict) -> dict[str, Criterion]:
    return {criterion.name: criterion for criterion in verdict.criteria}


def test_rows_have_their_rewards_and_their_reference() -> None:
    study = synthetic_study(architectures=4, seeds=2)
    findings = found(study)
    trainings = {
        (training.purpose, training.architecture, training.seed): steady(training) for training in study.trainings()
    }
    for number, row in enumerate(findings.rows):
        assert row.number == number
        assert row.widths == study.architectures[number].widths
        assert row.rewards == tuple(trainings["proxy", number, seed] for seed in study.seeds)
        assert row.reference == trainings["reference", number, study.reference_seed]
        assert row.spread is not None
        assert row.spread.mean == pytest.approx(sum(trainings["proxy", number, seed] for seed in (1, 2)) / 2)
    assert (findings.finished, findings.trainings, findings.is_complete) == (12, 12, True)


def test_two_of_three_seeds_already_estimate_the_noise() -> None:
    study = synthetic_study(architectures=4, seeds=3)
    findings = found(study, trainings=9)
    assert (findings.compared, findings.compared_seeds) == (4, 2)
    assert findings.intraclass_one_way == found(synthetic_study(architectures=4, seeds=2)).intraclass_one_way
    verdict = judge(study, findings, SMALL)
    assert criteria(verdict)["intraclass_correlation"].status == "pass"
    assert criteria(verdict)["kendall_tau"].status == "unknown"
    assert not verdict.passed
    assert "No verdict" in verdict.text
    assert "7 of 16 trainings have no reward" in verdict.text


def test_without_results_every_criterion_is_unknown() -> None:
    study = synthetic_study()
    findings = find(study, {})
    verdict = judge(study, findings, SMALL)
    assert {criterion.status for criterion in verdict.criteria} == {"unknown"}
    assert not verdict.passed
    json.dumps(document(study, findings, verdict, SMALL, Path("x")), allow_nan=False)


def test_all_pass() -> None:
    study = synthetic_study(architectures=4, seeds=2)
    verdict = judge(study, found(study), SMALL)
    assert [criterion.status for criterion in verdict.criteria] == ["pass"] * 4
    assert verdict.passed
    assert "Passed: all 4 criteria hold" in verdict.text
    assert "Nothing was trained" in verdict.text
    assert "small" not in verdict.text
    assert "small: 4 architectures and 2 seeds" in judge(study, found(study), Thresholds()).text


@pytest.mark.parametrize(
    ("name", "thresholds"),
    [
        ("intraclass_correlation", {"min_icc": 0.99999}),
        ("coefficient_of_variation", {"max_variation": 0.0001}),
        ("kendall_tau", {"min_tau": 1.1}),
        ("seconds", {"max_seconds": 60.0}),
    ],
)
def test_each_criterion_can_fail_alone(name: str, thresholds: dict[str, float]) -> None:
    study = synthetic_study(architectures=4, seeds=2)
    verdict = judge(study, found(study), Thresholds(**thresholds))
    assert [criterion.name for criterion in verdict.criteria if criterion.status == "fail"] == [name]
    assert not verdict.passed
    assert f"1 of 4 criteria fail ({name.replace('_', ' ')})" in verdict.text


def test_the_worst_architecture_decides_on_the_variation() -> None:
    study = synthetic_study(architectures=5, seeds=2)

    def one_outlier(training: Training) -> float:
        is_outlier = training.architecture == 3 and training.seed == 2
        return 2 * steady(training) if is_outlier else steady(training)

    findings = find(study, results_of(study, one_outlier))
    criterion = criteria(judge(study, findings, SMALL))["coefficient_of_variation"]
    assert findings.variation is not None
    assert findings.variation.median < 0.15 < findings.variation.worst
    assert (criterion.status, criterion.measured) == ("fail", findings.variation.worst)


def test_a_reversed_order_fails() -> None:
    study = synthetic_study(architectures=5, seeds=2)
    results = results_of(
        study, lambda training: 1 - steady(training) if training.purpose == "reference" else steady(training)
    )
    criterion = criteria(judge(study, find(study, results), SMALL))["kendall_tau"]
    assert (criterion.status, criterion.measured) == ("fail", pytest.approx(-1.0))


def test_without_a_reference_the_ranking_is_no_criterion_and_the_text_says_so() -> None:
    study = synthetic_study(architectures=4, seeds=2, reference=False)
    verdict = judge(study, found(study), SMALL)
    assert "kendall_tau" not in criteria(verdict)
    assert verdict.passed
    assert "The order of the architectures was not checked" in verdict.text


def test_a_failed_training_is_reported_and_keeps_the_study_from_passing() -> None:
    study = synthetic_study(architectures=5, seeds=2)
    results = results_of(study, steady)
    failed = result(study, study.trainings()[2], None)
    results[failed.key] = failed
    findings = find(study, results)
    assert [failure.training for failure in findings.failures] == [study.trainings()[2]]
    assert findings.compared == 4
    verdict = judge(study, findings, SMALL)
    assert not verdict.passed
    assert "1 of 15 trainings have no reward" in verdict.text


def test_a_criterion_whose_interval_contains_the_threshold_is_not_clear() -> None:
    unclear = Criterion("x", "", 0.6, 0.4, 0.8, "at least", 0.5)
    assert (unclear.status, unclear.is_clear) == ("pass", False)
    assert Criterion("x", "", 0.6, 0.5, 0.8, "at least", 0.5).is_clear is True
    assert Criterion("x", "", 0.2, 0.1, 0.4, "at least", 0.5).is_clear is True
    assert Criterion("x", "", 0.2, None, None, "under", 0.5).is_clear is None


def test_a_tau_that_passes_below_the_recommendation_is_reported() -> None:
    study = synthetic_study(architectures=4, seeds=2)
    swapped = [0.1, 0.2, 0.4, 0.3]
    results = results_of(
        study, lambda training: swapped[training.architecture] if training.purpose == "reference" else steady(training)
    )
    verdict = judge(study, find(study, results), Thresholds(aim_tau=0.7))
    assert criteria(verdict)["kendall_tau"].measured == pytest.approx(4 / 6)
    assert "below the recommended 0.7" in verdict.text
    assert "recommended 0.65" not in judge(study, find(study, results), Thresholds()).text


def test_criteria_at_their_thresholds() -> None:
    assert Criterion("x", "", 0.5, None, None, "at least", 0.5).status == "pass"
    assert Criterion("x", "", 0.5, None, None, "under", 0.5).status == "fail"


def test_the_document_has_the_estimates() -> None:
    study = synthetic_study(architectures=4, seeds=2)
    findings = found(study)
    verdict = judge(study, findings, SMALL)
    written = json.loads(json.dumps(document(study, findings, verdict, SMALL, Path("r.jsonl")), allow_nan=False))
    assert written["study"]["trained"] is False
    assert written["study"]["reference"]["task"]["steps"] == 8 * written["study"]["task"]["steps"]
    assert findings.intraclass_one_way is not None
    assert written["estimates"]["intraclass_one_way"]["low"] == findings.intraclass_one_way.low
    assert written["architectures"][2]["rewards"] == list(findings.rows[2].rewards)
    assert [criterion["status"] for criterion in written["criteria"]] == ["pass"] * 4
    assert written["verdict"] == {"passed": True, "text": verdict.text}
    assert [row["name"] for row in written["architectures"]] == ["uniform", None, None, None]
    assert written["truth"] is None
