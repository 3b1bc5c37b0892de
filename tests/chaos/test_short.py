"""Faults under a running campaign: the most important kinds, and on each database one of every kind (slow).

The long run is `make chaos` (docs/reliability.md).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import phases
from tests.chaos.databases import DatabaseName
from tests.chaos.faults import FAULTS, plan
from tests.chaos.report import write_section
from tests.chaos.run import run
from tests.chaos.settings import Settings
from tests.support.postgresql import skip_without_server

BAR_SECONDS = 240.0
"""Eight times that of the long run, since recoveries are slower on a machine with other load."""

KILLS = ("kill-database", "kill-runner", "kill-worker", "kill-api")
DATABASES = pytest.mark.parametrize("database", ["postgresql", "sqlite"])


def test_kills_of_api_runner_worker_and_database_lose_nothing() -> None:
    skip_without_server()
    settings = Settings("postgresql", faults=len(KILLS), trials=32, bar_seconds=BAR_SECONDS, only=KILLS)
    result = run(settings)
    assert result.violations == []
    assert {recovery.kind for recovery in result.recoveries} == set(KILLS)


@pytest.mark.slow
@pytest.mark.timeout(1_500)
@DATABASES
def test_one_fault_of_every_kind_loses_nothing(database: DatabaseName) -> None:
    if database == "postgresql":
        skip_without_server()
    kinds = [kind for kind in FAULTS.values() if kind.needs in (None, database)]
    settings = Settings(
        database=database,
        faults=len(kinds) + (database == "sqlite"),  # plus the full disk, if root can mount a small one
        trials=100,
        trial_seconds=1.5,
        away_seconds=12.0,
        bar_seconds=BAR_SECONDS,
    )
    result = run(settings)
    assert result.violations == []
    assert {kind.name for kind in kinds} <= {recovery.kind for recovery in result.recoveries}
    if database == "sqlite":
        assert ("full-disk" in {recovery.kind for recovery in result.recoveries}) != ("full-disk" in result.skipped)


@pytest.mark.slow
@pytest.mark.timeout(2_400)
@DATABASES
def test_kills_of_worker_and_runner_in_the_shared_training_and_in_the_finals_change_no_bit(
    database: DatabaseName,
) -> None:
    if database == "postgresql":
        skip_without_server()
    settings = Settings(
        database,
        faults=2 * len(phases.KINDS),
        trials=phases.TRIALS,
        parallelism=phases.PARALLELISM,
        bar_seconds=BAR_SECONDS,
        scenario="phases",
    )
    result = run(settings)
    assert result.violations == []
    assert [recovery.kind for recovery in result.recoveries] == [*phases.KINDS] * 2
    assert (result.counts["attempts_failed"], result.counts["attempts_abandoned"]) == (2, 2)


def test_only_the_section_of_a_document_is_replaced(tmp_path: Path) -> None:
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
    kinds = {kind.name for kind in FAULTS.values() if kind.needs in (None, *can)}
    assert {fault.fault.name for fault in planned[: len(kinds)]} == kinds
    after_trials = [fault.after_trials for fault in planned]
    assert after_trials == sorted(after_trials)
    assert planned[-1].after_trials < 1_500
