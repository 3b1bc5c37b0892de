"""Names of data sets are used in paths and commands, so only a few characters are allowed."""

from __future__ import annotations

import pytest

from search_space.dataset_name import MAX_CHARACTERS, check_dataset_name
from search_space.errors import InvalidValueError


@pytest.mark.parametrize("name", ["digits", "coco-2017", "0", "a_b", "d" * MAX_CHARACTERS])
def test_valid_names_are_accepted(name: str) -> None:
    check_dataset_name(name)


@pytest.mark.parametrize(
    "name", ["", "Digits", "../etc", "a/b", "-x", "_x", ".", "a b", "a\n", "é", "a\0", "d" * (MAX_CHARACTERS + 1)]
)
def test_other_names_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidValueError, match=r"use a-z, 0-9, _ and -, .* at most 64 characters") as caught:
        check_dataset_name(name)
    assert (caught.value.field, caught.value.value) == ("dataset", name)
    assert len(str(caught.value)) < 250
