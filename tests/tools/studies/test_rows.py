"""Rows are read as they were written, and equal ones give equal bytes, plots included."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_space.errors import InvalidValueError
from tests.support.study_rows import results_rows
from tools.studies.results_plots import write_plots
from tools.studies.rows import read_rows, write_rows

ROWS = results_rows((0.03, 0.04, 0.035))


def test_rows_survive_a_round_trip(tmp_path: Path) -> None:
    rounded = [final._replace(ap=round(final.ap, 6)) for final in ROWS.finals]
    write_rows(tmp_path, ROWS)
    assert read_rows(tmp_path) == ROWS._replace(finals=tuple(rounded))


def test_equal_rows_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_rows(tmp_path / name, ROWS)
        write_plots(ROWS, tmp_path / name)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(names) == 8
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_a_missing_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"settings\.jsonl has no rows"):
        read_rows(tmp_path)
    write_rows(tmp_path, ROWS)
    (tmp_path / "trials.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InvalidValueError, match=r"trials\.jsonl\.gz has no rows"):
        read_rows(tmp_path)
