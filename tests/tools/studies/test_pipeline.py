"""The commands of the studies, from the service to the page, on the profile that trains nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tools.studies.rows import read_rows

pytestmark = pytest.mark.slow


def command(study: str, tmp_path: Path) -> list[str]:
    """A small study."""
    options = ["--trials", "12", "--seeds", "2", "--profile", "synthetic", "--dir", str(tmp_path / "data")]
    return [sys.executable, "-m", f"tools.studies.{study}", *options, "--out", str(tmp_path / "docs")]


def run(arguments: list[str]) -> str:
    """The output of a study that has to succeed."""
    ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_results_go_on_after_a_kill_in_the_search_and_change_nothing_when_run_again(tmp_path: Path) -> None:
    results = command("results", tmp_path)
    killed = subprocess.Popen(results, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    campaign = next(line for line in killed.stdout if line.startswith("search reinforce")).split()[-1]
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    time.sleep(1)  # its service has noticed
    assert f"search reinforce: campaign {campaign}" in run(results)
    rows = read_rows(tmp_path / "docs" / "results")
    assert [len([trial for trial in rows.trials if trial.search == name]) for name in ("reinforce", "random")] == [
        12,
        12,
    ]
    files = {path: path.read_bytes() for path in (tmp_path / "docs").rglob("*") if path.is_file()}
    assert len(files) == 9
    run(results)
    assert {path: path.read_bytes() for path in files} == files


def test_object_sizes_train_both_winners_on_both_data_sets(tmp_path: Path) -> None:
    run(command("object_sizes", tmp_path))
    rows = read_rows(tmp_path / "docs" / "object-sizes")
    assert {(final.dataset, final.label) for final in rows.finals} == {
        (size, finalist.label) for size in ("small", "large") for finalist in rows.finalists
    }
    page = (tmp_path / "docs" / "object-sizes.md").read_text()
    assert str(tmp_path) not in page
    assert "| small objects |" in page
