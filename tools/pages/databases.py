"""The databases whose pages are measured: one with many campaigns and a long one, and one with a very long one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from api.settings import DATABASE_FILE
from nas_controller.benchmarks.filled_campaign import Plan
from nas_controller.benchmarks.filled_database import Advance, fill, plans
from nas_controller.store import Store
from nas_controller.store.database_url import sqlite_url

OTHERS = 10
"""Trials of each of the other campaigns, on average."""
SEED = 1


class Filled(NamedTuple):
    """A database in its own data directory, and its longest campaign."""

    data_dir: Path
    campaign_id: str
    trials: int


def filled(data_dir: Path, trials: int, campaigns: int, advance: Advance) -> Filled:
    """A database with so many campaigns, one of them with `trials` trials; one that exists is used again.

    Raises InvalidValueError for numbers that `effspine bench fill` refuses.
    """
    wanted = plan(trials, campaigns)
    url = sqlite_url(data_dir / DATABASE_FILE)
    data_dir.mkdir(parents=True, exist_ok=True)
    if not (data_dir / DATABASE_FILE).exists():
        fill(url, wanted, advance)
    store = Store.open(url)
    try:
        (longest,) = store.reads.list_campaigns(limit=1).items  # the newest is the longest
    finally:
        store.close()
    return Filled(data_dir, longest.id, longest.trials_begun)


def plan(trials: int, campaigns: int) -> list[Plan]:
    """The campaigns of a database, the longest one last; a single one is completed and has the default policy."""
    if campaigns > 1:
        return plans(campaigns, trials + OTHERS * campaigns, trials, SEED)
    return [plans(campaigns + OTHERS, trials + OTHERS * OTHERS, trials, SEED)[-1]]
