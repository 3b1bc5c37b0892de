"""The page of `make results`, from rows with known values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.study_rows import results_rows
from tools.studies.results_findings import cost, verdict
from tools.studies.results_page import percent, results_page

BETTER, WORSE, UNCERTAIN = (0.03, 0.04, 0.035), (-0.03, -0.04, -0.035), (0.03, -0.02, -0.004)


@pytest.mark.parametrize(
    ("winner", "word", "sentence"),
    [
        (
            BETTER,
            "better",
            "The winner of the search is better than the uniform baseline: +0.035 AP, 95 % interval +0.023 to +0.047, "
            "3 seeds, with 10 % more parameters.",
        ),
        (
            WORSE,
            "worse",
            "The winner of the search is worse than the uniform baseline: -0.035 AP, 95 % interval -0.047 to -0.023, "
            "3 seeds.",
        ),
        (
            (0.03, -0.02, 0.02),
            "undecided",
            "The winner of the search is not surely better than the uniform baseline: +0.010 AP, 95 % interval -0.056 "
            "to +0.076, 3 seeds; about 27 more seeds would decide.",
        ),
    ],
)
def test_the_verdict_is_that_of_the_interval(winner: Sequence[float], word: str, sentence: str) -> None:
    assert verdict(results_rows(winner, params_ratio=1.1)) == (word, sentence)


def test_an_equal_winner_with_18_percent_fewer_parameters_meets_the_goal() -> None:
    found = verdict(results_rows(UNCERTAIN, params_ratio=0.8))
    assert found.word == "fewer parameters"
    assert "but its winner has equal AP within the interval with 20 % fewer parameters." in found.sentence
    assert verdict(results_rows(UNCERTAIN, params_ratio=0.83)).word == "undecided"


def test_another_equal_architecture_with_fewer_parameters_meets_the_goal_and_is_named_as_such() -> None:
    found = verdict(results_rows(WORSE, saver=(0.75, UNCERTAIN)))
    assert found.word == "fewer parameters"
    assert "but one that has equal AP within the interval with 25 % fewer parameters (+0.002 AP" in found.sentence


@pytest.mark.parametrize("saver", [(0.75, WORSE), (0.9, BETTER)])
def test_a_worse_or_a_larger_one_does_not(saver: tuple[float, Sequence[float]]) -> None:
    assert verdict(results_rows(WORSE, saver=saver)).word == "worse"


def test_the_cost_is_that_of_the_search_over_that_of_as_many_trainings_alone() -> None:
    spent = cost(results_rows(BETTER))
    assert (spent.shared, spent.scoring, spent.alone) == (40.0, 8.0, 400.0)
    assert spent.ratio == pytest.approx(0.12)


def test_the_page_begins_with_the_verdict_and_has_a_line_of_each_finalist() -> None:
    rows = results_rows(BETTER, saver=(0.75, UNCERTAIN))
    page = results_page(rows)
    assert page.split("\n\n")[1].replace("\n", " ") == verdict(rows).sentence
    assert "| uniform |  | 0.300 |  |  | 4.59 M (1.00) | 2,275 M (1.00) | 3 |" in page
    assert "| winner of the search | 3 | 0.335 | +0.035 (+0.023 to +0.047) | better | 4.59 M (1.00) |" in page
    assert "| best of the search with fewer parameters | 2 | 0.302 | +0.002 " in page
    assert "| yes: better |" in page
    assert "| no: 12 % |" in page
    assert "- winner of the search, trial 3: reward 0.3100, rank 1 of 3; estimate 0.3100" in page
    assert "- best of the search with fewer parameters, trial 2: reward 0.2500, rank 2 of 3; estimate 0.2500" in page


def test_the_page_says_where_nothing_was_trained() -> None:
    rows = results_rows(BETTER)
    assert "Nothing was trained" not in results_page(rows)
    assert "Nothing was trained" in results_page(rows._replace(settings=rows.settings._replace(is_synthetic=True)))


@pytest.mark.parametrize(("ratio", "text"), [(0.016, "1.6 %"), (0.12, "12 %"), (0.0, "0 %"), (1.0, "100 %")])
def test_percentages_have_a_decimal_where_they_are_small(ratio: float, text: str) -> None:
    assert percent(ratio) == text
