"""The nearest name to one that does not exist."""

from __future__ import annotations

import pytest

from search_space.short_counts import at_least, at_most, parse_count
from search_space.suggestions import nearest, truth_hint, unknown_field

KNOWN = ["steps", "image_px", "learning_rate", "trials", "seeds"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("stepz", "steps"),
        ("epochs", "steps"),
        ("Learning-Rate", "learning_rate"),
        ("lr", "learning_rate"),
        ("trial", "trials"),
        ("seed", "seeds"),
        ("rate", "learning_rate"),
        ("colour", None),
        ("", None),
    ],
)
def test_the_name_that_was_meant_is_found(name: str, meant: str | None) -> None:
    assert nearest(name, KNOWN) == meant


def test_a_field_of_the_very_name_comes_before_its_synonym() -> None:
    assert nearest("epochs", ["steps", "epochs"]) == "epochs"


def test_without_a_near_name_all_are_listed() -> None:
    assert unknown_field("colour", KNOWN, "a recipe").endswith("the fields of a recipe are " + ", ".join(KNOWN))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("647.5M", 647_500_000),
        ("647.5 m", 647_500_000),
        ("1.3 G", 1_300_000_000),
        ("2B", 2 * 10**9),
        ("12k", 12_000),
        ("0.1M", 100_000),
        ("5", None),
        ("M", None),
        ("-1M", None),
        ("1e3M", None),
        ("647,5M", None),
    ],
)
def test_a_count_is_read_as_people_write_it(text: str, count: int | None) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("count", [647_488_064, 650_000_000, 19_246_895_504_387, 1_299_999_999, 999_999])
def test_an_advised_count_is_on_the_right_side(count: int) -> None:
    low, high = parse_count(at_most(count).replace(",", "")), parse_count(at_least(count).replace(",", ""))
    assert low is not None
    assert high is not None
    assert low <= count <= high
    assert high - low <= max(10**5, count // 100)


def test_the_truth_values_of_older_yaml_are_explained() -> None:
    assert truth_hint("Yes") == "; YAML reads Yes as a text: write true"
    assert truth_hint("off").endswith("write false")
    assert truth_hint("maybe") == truth_hint(1) == ""
