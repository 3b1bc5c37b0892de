"""Lists of numbers as values of command-line options."""

from __future__ import annotations

import pytest

from search_space.errors import InvalidValueError
from search_space.option_values import parse_numbers, parse_whole_numbers


def test_whole_numbers_are_parsed_as_int() -> None:
    assert parse_numbers("betas", "1, 2.5,1e1") == (1, 2.5, 10.0)
    assert parse_whole_numbers("widths", "16,24") == (16, 24)


@pytest.mark.parametrize("text", ["16,24.5", "16,,24", "16,wide", "", "16;24"])
def test_an_invalid_list_of_whole_numbers_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"widths has .*; it must be .*numbers separated by commas"):
        parse_whole_numbers("widths", text)
