"""The page of `make results`, from rows with known values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.study_rows import results_rows, trials
from tools.studies.finals import PUBLISHED
from tools.studies.results_findings import BEST_OF_RANDOM, RANDOM, cost, sampled, smoothed, verdict, window_trials
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
            "The winner of the search is not significantly better than the uniform baseline: +0.010 AP, 95 % interval "
            "-0.056 to +0.076, 3 seeds; about 27 more seeds would decide.",
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


def test_the_verdict_names_others_that_save_as_many_parameters() -> None:
    rows = results_rows(WORSE, saver=(0.75, UNCERTAIN))
    assert verdict(rows).sentence.endswith(
        "That alone is no evidence for the search: Eff-SpineNet-D0 is as good within its interval with 18 % fewer "
        "parameters (+0.007 AP, 95 % interval -0.031 to +0.045, 3 seeds)."
    )
    (random,) = (each for each in rows.finalists if each.label == BEST_OF_RANDOM)
    finalists = tuple(each._replace(params=3_700_000) if each is random else each for each in rows.finalists)
    assert "the best of random search" not in verdict(rows._replace(finalists=finalists)).sentence  # worse
    of_random = (final for final in rows.finals if final.label == PUBLISHED)
    finals = [*(each for each in rows.finals if each.label != BEST_OF_RANDOM)]
    finals += [final._replace(label=BEST_OF_RANDOM) for final in of_random]
    both = verdict(rows._replace(finalists=finalists, finals=tuple(finals))).sentence
    assert "the search: the best of random search is as good within its interval with 19 % fewer parameters" in both
    assert ", and Eff-SpineNet-D0 is as good" in both


def test_every_window_of_a_search_is_full_and_the_last_ends_with_the_last_trial() -> None:
    found = sampled(trials("reinforce", [0.3, *(number / 1000 for number in range(1, 105))]), "reinforce")
    found = found[:103]
    assert window_trials(found) == 2
    numbers, means, highest = smoothed(found)
    assert numbers == [*range(2, 103, 2), 103]
    assert means[-1] == pytest.approx((0.102 + 0.103) / 2)
    assert means[0] == pytest.approx(0.0015)
    assert highest[-1] == 0.103


@pytest.mark.parametrize("saver", [(0.75, WORSE), (0.9, BETTER)])
def test_a_worse_or_a_larger_one_does_not(saver: tuple[float, Sequence[float]]) -> None:
    assert verdict(results_rows(WORSE, saver=saver)).word == "worse"


def test_the_cost_is_that_of_the_search_over_that_of_as_many_trainings_alone() -> None:
    spent = cost(results_rows(BETTER))
    assert (spent.shared, spent.scoring, spent.alone) == (40.0, 8.0, 400.0)
    assert spent.ratio == pytest.approx(0.12)
    assert cost(results_rows(BETTER), RANDOM) == spent._replace(scoring=56.0)


def test_the_page_begins_with_the_verdict_and_has_a_line_of_each_finalist() -> None:
    rows = results_rows(BETTER, saver=(0.75, UNCERTAIN))
    page = results_page(rows)
    assert page.split("\n\n")[1].replace("\n", " ") == verdict(rows).sentence
    assert "| uniform |  | 0.300 |  |  | 4.59 M (1.00) | 2,275 M (1.00) | 3 |" in page
    assert "| winner of the search | 3 | 0.335 | +0.035 (+0.023 to +0.047) | better | 4.59 M (1.00) |" in page
    assert "| best of the search with fewer parameters | 2 | 0.302 | +0.002 " in page
    assert "| yes: better |" in page
    assert "| no: 12 %, or 24 % by the time that random search took for its trials |" in page
    assert "| the search | 48 | 96 |" in page
    assert "| ratio | 12 % | 24 % |" in page
    assert "- winner of the search, trial 3: reward 0.3100, rank 1 of 3; estimate 0.3100" in page
    assert "- best of the search with fewer parameters, trial 2: reward 0.2500, rank 2 of 3; estimate 0.2500" in page


def test_the_page_says_where_nothing_was_trained() -> None:
    rows = results_rows(BETTER)
    assert "Nothing was trained" not in results_page(rows)
    assert "Nothing was trained" in results_page(rows._replace(settings=rows.settings._replace(is_synthetic=True)))


@pytest.mark.parametrize(("ratio", "text"), [(0.016, "1.6 %"), (0.12, "12 %"), (0.0, "0 %"), (1.0, "100 %")])
def test_percentages_have_a_decimal_where_they_are_small(ratio: float, text: str) -> None:
    assert percent(ratio) == text
