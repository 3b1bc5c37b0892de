"""Texts of others in a terminal and on a page: nothing steers the one or reorders the other."""

from __future__ import annotations

import json
import unicodedata

import pytest

from search_space.display import displayed, displayed_line, json_text

STEERING = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp", "Cs")]
BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]8;;http://x\x07link", "\\x1b[2J\\x1b]8;;http://x\\x07link"),
        ("\x9b31mred", "\\x9b31mred"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("one\rtwo\x08", "one\\x0dtwo\\x08"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\udcff", "\\udcff"),
        ("Äpfel und 苹果 \U0001f34e\tok\n", "Äpfel und 苹果 \U0001f34e\tok\n"),
    ],
)
def test_steering_characters_are_escaped_and_all_others_stay(text: str, shown: str) -> None:
    assert displayed(text) == shown


def test_no_character_that_steers_a_terminal_or_reorders_a_line_is_left() -> None:
    everything = "".join([*STEERING, *BIDIRECTIONAL])
    left = set(displayed(everything)) & {*STEERING, *BIDIRECTIONAL}
    assert left == {"\t", "\n"}
    assert not set(displayed_line(everything)) & ({*STEERING, *BIDIRECTIONAL} - {"\t"})


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii", "cp437", "none-such", None])
def test_json_parses_back_equal_and_fits_the_encoding(encoding: str | None) -> None:
    document = {"name": "\x1b[31m \u202e Äpfel 苹果 \x9b \u2028 \udcff", "n": 1.5}
    text = json_text(document, encoding)
    assert json.loads(text) == document
    assert not set(text) & ({*STEERING, *BIDIRECTIONAL} - {"\n"})
    if encoding in ("utf-8", None):
        assert "苹果" in text
    else:  # one that Python does not know has ASCII at least
        text.encode("ascii" if encoding == "none-such" else str(encoding))


def test_json_has_no_numbers_that_json_does_not_have() -> None:
    for number in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            json_text({"x": number})
