"""Specifications are read as YAML 1.2 or JSON has them, and what is neither is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.cli.campaign.yaml_documents import DocumentError, parse_document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-1.5e+2", -150.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("3", 3),
        ("-3", -3),
        ("+3", 3),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("2026-01-31", "2026-01-31"),
        ("1e", "1e"),
        ("e3", "e3"),
        ("nan", "nan"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("!!float 5", 5.0),
        ("[1, 1e2, x]", [1, 100.0, "x"]),
        ("{10: 160}", {"10": 160}),
        ("{no: 1}", {"no": 1}),
    ],
)
def test_a_plain_value_has_the_type_of_the_core_schema(text: str, value: Any) -> None:
    found = parse_document(f"key: {text}\n")
    assert found == {"key": value}
    assert type(found["key"]) is type(value)


@pytest.mark.parametrize(
    "document",
    [
        {"name": "Größe 尺寸 😀", "share": 1e-3, "tab\t": "\ttab", "none": None, "nested": [{"a": [True, False]}]},
        {"long": "x" * 100_000},
        {"escaped": "\x1b[2J \u202e"},
    ],
)
@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_read_as_it_was_written(document: dict[str, Any], is_ascii: bool, indent: Any) -> None:
    assert parse_document(json.dumps(document, ensure_ascii=is_ascii, indent=indent)) == document


def test_aliases_stand_for_their_values() -> None:
    assert parse_document("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trials: 5\ntrials: 6\n", "line 2, column 1: `trials` is given twice"),
        ("a: {b: 1, b: 2}", "line 1, column 11: `b` is given twice"),
        ('{"a": 1, "a": 1}', "`a` is given twice"),
        ('"a": 1\na: 1', "line 2, column 1: `a` is given twice"),
        ("a: .nan", "line 1, column 4: '.nan' is no value that JSON has"),
        ("a: -.inf", "'-.inf' is no value that JSON has"),
        ("a: 1e400", "line 1, column 4: 1e400 is larger than any number"),
        ('{"a": NaN}', "NaN is no number that JSON has"),
        ('{"a": 1e400}', "1e400 is larger than any number"),
        ('{"a": ' + "9" * 5_000 + "}", "a number has 5,000 digits"),
        ("a: " + "9" * 5_000, "line 1, column 4: a number has 5,000 digits"),
        ("a: !!int x", "line 1, column 4: 'x' is no number"),
        ("a: !!bool no", "'no' is no value that JSON has"),
        ("a: !!timestamp 2026-01-31", "is no value that JSON has"),
        ("a: !!python/object:os.system x", "is no value that JSON has"),
        ("a: !!set {x}", "the tag 'tag:yaml.org,2002:set' is no type of JSON"),
        ("? [a]\n: b", "line 1, column 3: a key must be a text"),
        ("a: b\n---\nc: d\n", "line 2, column 1"),
        ("&a [*a]", "an alias stands inside what it stands for"),
        ("&a {b: *a}", "an alias stands inside what it stands for"),
        (BOMB, "it has more than 100,000 values"),
        ("[" * 10_000, "it is nested too deeply"),
        ("[" * 10_000 + "]" * 10_000, "it is nested too deeply"),
        ("{a: " * 5_000, "it is nested too deeply"),
        ("- " * 5_000 + "x", "it is nested too deeply"),
        ('a: "\\ud800"', "\\ud800 is half of a surrogate pair"),
        ('{"a": "\\udfff"}', "\\udfff is half of a surrogate pair"),
        ("a: [", "line 1, column 5"),
        ("a\0b", "special characters are not allowed"),
    ],
)
def test_what_is_no_document_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
