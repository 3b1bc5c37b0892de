"""Faults under a running campaign, on each database: a few of the most telling kinds, and one of every kind (slow).

The long run is `make chaos` (docs/reliability.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.databases import DatabaseName
from tests.chaos.faults import FAULTS, plan
from tests.chaos.report import write_section
from tests.chaos.run import Settings, run
from tests.support.postgresql import skip_without_server

BAR_SECONDS = 240.0
"""Eight times that of the long run: how fast a recovery is can only be judged on a machine without other work."""

MOST_TELLING = {
    "postgresql": ("kill-database", "kill-runner", "kill-worker", "kill-api"),
    "sqlite": ("kill-runner", "kill-worker", "kill-api"),
}
DATABASES = pytest.mark.parametrize("database", MOST_TELLING)


@DATABASES
def test_kills_of_api_runner_worker_and_database_lose_nothing(database: DatabaseName) -> None:
    if database == "postgresql":
        skip_without_server()
    kinds = MOST_TELLING[database]
    result = run(
        Settings(database, faults=len(kinds), trials=40, trial_seconds=1.5, bar_seconds=BAR_SECONDS, only=kinds)
    )
    assert result.violations == []
    assert {recovery.kind for recovery in result.recoveries} == set(kinds)


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@DATABASES
def test_one_fault_of_every_kind_loses_nothing(database: DatabaseName) -> None:
    if database == "postgresql":
        skip_without_server()
    kinds = [one for one in FAULTS.values() if one.needs in (None, database)]
    settings = Settings(
        database=database,
        faults=len(kinds) + (database == "sqlite"),  # and the full disk, where root can mount a small one
        trials=100,
        trial_seconds=1.5,
        away_seconds=12.0,
        bar_seconds=BAR_SECONDS,
    )
    result = run(settings)
    assert result.violations == []
    assert {one.name for one in kinds} <= {recovery.kind for recovery in result.recoveries}
    if database == "sqlite":
        assert ("full-disk" in {recovery.kind for recovery in result.recoveries}) != ("full-disk" in result.skipped)


def test_a_section_of_a_document_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb\n")
    write_section(document, "x", "new\n")
    assert document.read_text() == "a\n<!-- begin: x -->\nnew\n<!-- end: x -->\nb\n"
    with pytest.raises(ValueError, match="has no section between <!-- begin: y -->"):
        write_section(document, "y", "new\n")


def test_the_same_seed_plans_the_same_faults_and_every_kind_comes_first() -> None:
    can = frozenset({"sqlite", "disk"})
    planned = plan(200, 1_500, 1, can)
    assert planned == plan(200, 1_500, 1, can)
    assert planned != plan(200, 1_500, 2, can)
    kinds = {one.name for one in FAULTS.values() if one.needs in (None, *can)}
    assert {one.fault.name for one in planned[: len(kinds)]} == kinds
    assert [one.after_trials for one in planned] == sorted(one.after_trials for one in planned)
    assert planned[-1].after_trials < 1_500
