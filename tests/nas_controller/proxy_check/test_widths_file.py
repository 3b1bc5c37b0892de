from __future__ import annotations

from pathlib import Path

import pytest

from nas_controller.proxy_check.widths_file import read_widths
from search_space.errors import InvalidValueError
from tests.support.training_results import even_widths

EIGHT = ",".join(["8"] * 18)


def test_architectures_are_read_in_order_with_their_names(tmp_path: Path) -> None:
    path = tmp_path / "widths.txt"
    path.write_text(f"# a comment\n\n{','.join(map(str, range(1, 19)))}  rising\n{EIGHT}\tall eight # small\n")
    assert read_widths(path) == ((tuple(range(1, 19)), "rising"), (even_widths(0), "all eight"))


def test_a_name_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "widths.txt"
    path.write_text(EIGHT)
    assert read_widths(path) == ((even_widths(0), None),)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("8,16", "widths has 2 values; there must be 18"),
        (EIGHT.replace("8", "0", 1), r"widths\[0\] is 0"),
        (EIGHT.replace("8", "8.5", 1), "whole numbers"),
        (EIGHT.replace(",", ", "), "must be numbers separated by commas"),
        ("uniform", "'uniform'"),
        (f"{EIGHT} again", "an earlier line has the same widths"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "widths.txt"
    path.write_text(f"{EIGHT} small\n\n{line}\n")
    with pytest.raises(InvalidValueError, match=rf"widths\.txt, line 3: .*{message}") as raised:
        read_widths(path)
    assert raised.value.field == "widths"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, reason in (("none", "No such file"), ("binary", "not UTF-8")):
        with pytest.raises(InvalidValueError, match=f"{tmp_path / name} cannot be read: .*{reason}"):
            read_widths(tmp_path / name)
