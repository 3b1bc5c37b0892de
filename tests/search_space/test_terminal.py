"""What commands print: escaped, and readable under any encoding."""

from __future__ import annotations

import io
import sys

import pytest

from search_space.terminal import note, print_json, print_text, spark_line


@pytest.mark.parametrize(
    ("encoding", "line"), [("utf-8", "▁▄█"), ("latin-1", "_:#"), ("ascii", "_:#"), ("cp437", "_:#")]
)
def test_the_spark_line_falls_back_to_ascii(encoding: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert spark_line([0, 7, 16]) == line


def test_lines_are_escaped_on_both_streams(capsys: pytest.CaptureFixture[str]) -> None:
    print_text("a\x1b[31mb\nc")
    note("d\u202ee")
    print_json(["\x9b"])
    found = capsys.readouterr()
    assert found.out == 'a\\x1b[31mb\nc\n[\n  "\\u009b"\n]\n'
    assert found.err == "d\\u202ee\n"
