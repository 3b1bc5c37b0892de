"""Every listing command fits 60, 80 and 120 columns, and neither wraps nor cuts an id or a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.databases import migrated_sqlite
from tests.support.recorded_finals import recorded_finals
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import Clock

LONG = "a name that is longer than what a table of eighty columns can ever show beside its numbers"
WIDTHS = "16,24,24,24,96,40,96,152,96,152,152,152,152,96,40,152,152,152"


@pytest.fixture
def recorder(served: Store) -> Recorder:
    """A campaign with a long name, whose trial 2 has failed with a long error."""
    recorder = Recorder(served, trials=1_000, name=LONG).run(2)
    recorder.fail(recorder.begin(), "an error that " + "is long " * 30)
    return recorder


def shown(effspine: CommandLine, columns: int, *arguments: str) -> list[str]:
    effspine.environment["COLUMNS"] = str(columns)
    done = effspine(*arguments)
    assert done.status == 0, done.err
    return done.out.splitlines()


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lists_of_campaigns_and_trials_fit(effspine: CommandLine, recorder: Recorder, columns: int) -> None:
    for command in (("list",), ("trials", recorder.id), ("best", recorder.id, "-k", "2")):
        header, rule, *rows = shown(effspine, columns, "campaign", *command)
        if command[0] == "best":
            rows = [row for row in rows if row.split()[0].isdigit()]  # a sentence follows
        assert max(map(len, (header, rule, *rows))) <= columns, command
    assert recorder.id in shown(effspine, columns, "campaign", "list")[2]
    numbers = [line.split()[0] for line in shown(effspine, columns, "campaign", "trials", recorder.id)[2:]]
    assert numbers == ["0", "1", "2"]


def test_a_wider_terminal_shows_more(effspine: CommandLine, recorder: Recorder) -> None:
    headers = [shown(effspine, columns, "campaign", "trials", recorder.id)[0] for columns in (60, 80, 120, 250)]
    counts = [len(header.split()) for header in headers]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert all("AP" in header and "state" in header for header in headers)
    assert "widths" in headers[-1]


def test_a_note_is_whole_before_what_every_trial_has_is_shown(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=9, controller={"policy": "factorised"}).run(3)
    header, _, baseline, *_ = shown(effspine, 80, "campaign", "trials", recorder.id)
    assert "multi-adds" not in header
    assert baseline.endswith("uniform baseline")
    assert "multi-adds" in shown(effspine, 250, "campaign", "trials", recorder.id)[0]


def test_a_pipe_has_all_columns_whole_whatever_the_terminal_is(effspine: CommandLine, recorder: Recorder) -> None:
    piped = effspine.run_in_new_process("campaign", "trials", recorder.id, COLUMNS="")
    header, _, *rows = piped.out.splitlines()
    assert header.split() == [
        "trial",
        "state",
        "AP",
        "widths",
        "multi-adds",
        "of",
        "budget",
        "params",
        "seconds",
        "note",
    ]
    assert all(any(cell.count(",") == 17 for cell in row.split()) for row in rows)
    assert rows[2].rstrip().endswith("is long")
    assert len(rows) == 3


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize(
    "arguments",
    [("models",), ("cost", "--widths", WIDTHS), ("keys", "list"), ("data", "list")],
    ids=lambda arguments: arguments[0],
)
def test_other_tables_fit(effspine: CommandLine, tmp_path: Path, arguments: tuple[str, ...], columns: int) -> None:
    migrated_sqlite(tmp_path / "data" / "effspine.db")
    effspine("keys", "create", "--name", LONG, "--scope", "operate")
    (tmp_path / "data" / "datasets" / "d" / "annotations").mkdir(parents=True)
    lines = shown(effspine, columns, *arguments)
    tables = [line for line in lines if not line.endswith(" px")]
    assert max(map(len, tables)) <= columns
    assert len(tables) >= 3


@pytest.mark.parametrize("columns", [80, 120])
def test_sampled_widths_are_never_cut(effspine: CommandLine, columns: int) -> None:
    header, _, *rows = shown(effspine, columns, "sample", "--count", "3")
    assert max(map(len, rows)) <= columns
    assert "multi-adds" in header
    assert all(any(len(cell.split(",")) == 18 for cell in row.split()) for row in rows)


@pytest.fixture
def finalists(served: Store) -> str:
    """A campaign with finals; its id."""
    return list(recorded_finals(served, Clock()))[-1]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_table_of_finals_fits(effspine: CommandLine, finalists: str, columns: int) -> None:
    lines = shown(effspine, columns, "campaign", "finals", finalists)
    assert max(map(len, lines[:3])) <= columns
    assert "verdict" in lines[0]
