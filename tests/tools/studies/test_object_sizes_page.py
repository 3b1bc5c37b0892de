"""The page of `make object-sizes`, from rows with known values."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.study_rows import SETTINGS, finals, trials
from tools.studies.finals import references
from tools.studies.object_sizes_page import WINNERS, behind, find, object_sizes_page, verdict
from tools.studies.rows import Finalist, Rows, Search
from tools.studies.sizes import LARGE, SMALL

MORE, LESS, EVEN = (0.03, 0.04, 0.035), (-0.03, -0.04, -0.035), (0.03, -0.02, 0.0)


def rows(on_small: Sequence[float], on_large: Sequence[float], *, same: bool = False) -> Rows:
    """Rows whose winner on small objects has these differences to the winner on large objects, which is as uniform."""
    _, first, second = trials("any", [0.3, 0.2, 0.25])
    winners = [
        Finalist(WINNERS[size], size.name, trial.number, trial.ap, trial.params, trial.madds, trial.widths)
        for size, trial in ((SMALL, first), (LARGE, first if same else second))
    ]
    finalists = (*references(), *winners)
    measured = [
        final
        for size, gains in ((SMALL, on_small), (LARGE, on_large))
        for finalist in finalists
        for final in finals(finalist, gains if finalist.label == WINNERS[SMALL] else (0, 0, 0), size.name)
    ]
    searches = tuple(Search(size.name, "reinforce", size.name, 1, 3, 0.0, 5.0, 5.0) for size in (SMALL, LARGE))
    return Rows(SETTINGS, searches, trials("any", [0.3, 0.2, 0.25]), finalists, tuple(measured))


@pytest.mark.parametrize(
    ("on_small", "on_large", "word", "begins"),
    [
        (MORE, LESS, "both", "Each winner is better than the other one on its own data (small minus large: +0.035 AP,"),
        (MORE, EVEN, "one", "Only the winner on small objects is significantly better"),
        (EVEN, LESS, "one", "Only the winner on large objects is significantly better"),
        (EVEN, EVEN, "neither", "Neither winner is significantly better"),
        (LESS, MORE, "neither", "Neither winner is significantly better"),
    ],
)
def test_each_winner_is_judged_on_its_own_data(
    on_small: Sequence[float], on_large: Sequence[float], word: str, begins: str
) -> None:
    found = find(rows(on_small, on_large))
    assert found.word == word
    assert verdict(found).startswith(begins)


def test_equal_winners_have_learned_nothing_of_their_own_data() -> None:
    found = find(rows((0, 0, 0), (0, 0, 0), same=True))
    assert verdict(found).startswith("Both searches have found the same architecture")


def test_a_winner_that_is_behind_on_its_own_data_is_said_to_be() -> None:
    one = "On large objects, their own winner is behind the other one (-0.003 AP, not significantly)."
    assert behind(rows(MORE, EVEN)) == [one]
    assert behind(rows(LESS, LESS)) == [
        "On small objects, their own winner is behind the other one (-0.035 AP, significantly) and the uniform "
        "baseline (-0.035 AP, significantly)."
    ]
    assert behind(rows(MORE, LESS)) == []
    headline = object_sizes_page(rows(MORE, EVEN)).split("\n\n")[1]
    assert " ".join(headline.split()).endswith(one)


def test_the_page_has_the_two_by_two_table_and_the_interaction() -> None:
    page = object_sizes_page(rows(MORE, LESS))
    assert "| small objects | 0.335 | 0.300 | +0.035 (+0.023 to +0.047) | 0.300 | 0.300 |" in page
    assert "| large objects | 0.265 | 0.300 | -0.035 (-0.047 to -0.023) | 0.300 | 0.300 |" in page
    assert "that on large ones: +0.070 AP" in page
