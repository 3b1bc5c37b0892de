"""Durations and device time: the terminal and the page write the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli.output import device_time, duration
from tests.support.scripts import needs_node, run_script

DURATIONS: list[tuple[float | None, str]] = [
    (None, "-"), (-3.0, "0 s"), (0.0, "0 s"), (0.2, "under 1 s"), (0.5, "1 s"), (2.5, "3 s"), (41.6, "42 s"),
    (59.5, "1 min 00 s"), (185.0, "3 min 05 s"), (3_599.4, "59 min 59 s"), (3_600.0, "1 h 00 min"),
    (7_800.0, "2 h 10 min"), (86_399.0, "23 h 59 min"), (86_400.0, "1 d 0 h"), (3_600_000.0, "41 d 16 h"),
    (90_000_000.0, "1,041 d 16 h"),
]  # fmt: skip
HOURS: list[tuple[float, str]] = [
    (0.0, "0 s of device time"), (0.0001, "under 1 s of device time"), (1 / 15, "4 min 00 s of device time"),
    (30.5, "1 d 6 h of device time"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_a_duration_on_the_terminal(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("hours", "text"), HOURS)
def test_device_hours_on_the_terminal(hours: float, text: str) -> None:
    assert device_time(hours) == text


@needs_node
def test_the_page_writes_the_same(tmp_path: Path) -> None:
    script = """
    const { deviceTime, duration } = await import("./format.js");
    return [given[0].map((seconds) => duration(seconds)), given[1].map((hours) => deviceTime(hours))];
    """
    given = [[seconds for seconds, _ in DURATIONS], [hours for hours, _ in HOURS]]
    written = [["\u2013" if text == "-" else text for _, text in DURATIONS], [text for _, text in HOURS]]
    assert run_script(tmp_path, script, given) == written
