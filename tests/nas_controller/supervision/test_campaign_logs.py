"""The end of a campaign's log, which its error quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_controller.execution.file_tail import CUT, TAIL_BYTES
from nas_controller.supervision.campaign_logs import TAIL_LINES, log_path, log_tail


@pytest.mark.parametrize(
    ("content", "tail"),
    [
        ("one\ntwo\nthree\n", "two\nthree"),
        ("ends without a new line", "ends without a new line"),
        ("\n" * 3, ""),
        ("x" * 10**6 + "\nthe end\n", CUT + "x" * (TAIL_BYTES - len("\nthe end\n")) + "\nthe end"),
    ],
)
def test_the_tail_has_few_lines_and_bytes(tmp_path: Path, content: str, tail: str) -> None:
    log = log_path(tmp_path, "c_1")
    log.parent.mkdir()
    log.write_text(content)
    assert log_tail(tmp_path, "c_1", 2) == tail


def test_a_log_that_does_not_exist_has_no_tail(tmp_path: Path) -> None:
    assert log_tail(tmp_path, "c_1") == ""


def test_the_tail_has_the_last_lines(tmp_path: Path) -> None:
    log = log_path(tmp_path, "c_1")
    log.parent.mkdir()
    log.write_text("".join(f"{number}\n" for number in range(1_000)))
    assert log_tail(tmp_path, "c_1").split("\n") == [str(number) for number in range(1_000 - TAIL_LINES, 1_000)]
