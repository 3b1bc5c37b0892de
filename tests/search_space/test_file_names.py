"""Names of files: portable, short, and never empty."""

from __future__ import annotations

import pytest

from search_space.file_names import file_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Eff-SpineNet-D0 no space-to-depth, plain fusion", "eff-spinenet-d0-no-space-to-depth-plain-fusion"),
        ("../a/B  c.", "a-b-c"),
        ("Vögel", "v-gel"),
        ("a" * 90, "a" * 60),
        ("鳥", "architecture"),
        ("", "architecture"),
    ],
)
def test_a_stem_has_ascii_letters_digits_and_single_dashes(name: str, stem: str) -> None:
    assert file_stem(name, "architecture") == stem


def test_without_a_fallback_it_is_that_of_a_campaign() -> None:
    assert file_stem("鳥") == "campaign"
