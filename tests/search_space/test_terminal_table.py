"""Tables fit the terminal: columns are left out, texts shortened, and neither ids nor numbers wrapped or cut."""

from __future__ import annotations

import pytest

from search_space.terminal_table import print_table

COLUMNS = ("id", "name", "trials", "created")
ROWS = [("c_0123456789abcdefg", "a long name of a campaign, which may be cut", "3,000/3,000", "2026-01-31 12:30")]


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_table(COLUMNS, ROWS, title="title", left=("id", "name"), drop=("created", "trials"), cut=("name",))
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("120", "c_0123456789abcdefg  a long name of a campaign, which may be cut  3,000/3,000  2026-01-31 12:30"),
        ("80", "c_0123456789abcdefg  a long name of a campaign, …  3,000/3,000  2026-01-31 12:30"),
        ("60", "c_0123456789abcdefg  a long name of a campaign…  3,000/3,000"),
        ("40", "c_0123456789abcdefg  a long name of a c…"),
        ("10", "c_0123456789abcdefg  a long name…"),
    ],
)
def test_a_table_is_as_wide_as_the_terminal_allows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str, row: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    title, header, rule, line = printed(capsys)
    assert (title, header.split()[0], set(rule)) == ("title", "id", {"─"})
    assert line == row
    assert len(line) <= max(int(columns), 33)


def test_a_pipe_without_a_width_has_everything_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    wide = [("c_0123456789abcdefg", "n" * 500, "3,000/3,000", "2026-01-31 12:30")]
    print_table(COLUMNS, wide, left=("id", "name"), drop=("created", "trials"), cut=("name",))
    *_, line = capsys.readouterr().out.splitlines()
    assert line.split() == list(wide[0][:3]) + wide[0][3].split()


def test_numbers_are_right_and_texts_left_aligned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("name", "count"), [("a", "5"), ("bcd", "1,000")], left=("name",))
    assert capsys.readouterr().out.splitlines()[2:] == ["a         5", "bcd   1,000"]


def test_a_cell_steers_no_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("name",), [("\x1b[31m\nx",)], left=("name",))
    assert "\\x1b[31m\\nx" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        ("60", "1  96 %  = trial 12, and why"),
        ("27", "1  = trial 12, and why"),
        ("20", "1  = trial 12, and …"),
    ],
)
def test_what_can_be_spared_is_left_out_before_a_text_is_shortened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str, row: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    rows = [("1", "96 %", "= trial 12, and why")]
    print_table(("n", "of", "note"), rows, left=("note",), cut=("note",), spare=("of",))
    assert capsys.readouterr().out.splitlines()[-1] == row
