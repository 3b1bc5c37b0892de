"""The databases whose pages are measured."""

from __future__ import annotations

from pathlib import Path

from nas_controller.store import Store
from nas_controller.store.database_url import sqlite_url
from tools.pages.databases import filled, plan


def test_the_newest_campaign_is_the_long_one_beside_short_ones() -> None:
    plans = plan(5_000, 1_000)
    assert len(plans) == 1_000
    assert plans[-1].begun == max(each.begun for each in plans) == 5_000
    assert plans[-1].created_at == max(each.created_at for each in plans)


def test_a_single_campaign_is_completed_with_all_its_trials() -> None:
    (only,) = plan(100_000, 1)
    assert (only.state, only.begun, only.trials) == ("completed", 100_000, 100_000)


def test_a_database_is_filled_once(tmp_path: Path) -> None:
    written: list[int] = []
    first = filled(tmp_path, 12, 1, written.append)
    again = filled(tmp_path, 12, 1, written.append)
    assert first == again
    assert written == [12]
    store = Store.open(sqlite_url(tmp_path / "effspine.db"))
    assert store.reads.get_campaign(first.campaign_id).trials_finished == first.trials == 12
    store.close()
