"""A database that cannot grow: SQLite with a page limit fails as on a full disk."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_controller.execution import session_directory
from nas_controller.store import Store, StoreFullError, database, sqlite_url
from nas_controller.supervision import supervisor as supervisor_module
from nas_controller.supervision.campaign_logs import log_tail
from nas_controller.supervision.restart_backoff import MAX_RESTARTS
from nas_controller.supervision.runner import main
from nas_controller.supervision.runner_protocol import EXIT_MUST_WAIT
from nas_controller.supervision.supervisor import Supervisor
from tests.support.synthetic_campaigns import synthetic_spec


@pytest.fixture(autouse=True)
def _restored_handler() -> Iterator[None]:
    """Restores the SIGTERM handler, which a runner in this process replaces."""
    previous = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, previous)


def fill(store: Store, created: list[str]) -> None:
    """Creates campaigns until the disk is full, and appends their ids."""
    for number in range(1000):
        created.append(store.service.create_campaign(synthetic_spec(name=f"number {number}")).id)


def test_a_full_disk_is_reported_and_loses_nothing(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path / "effspine.db"))
    engine = store._database.engine
    created = [store.service.create_campaign(synthetic_spec(name="before")).id]
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite raises this to the current size
    with pytest.raises(StoreFullError, match=r"effspine\.db: its disk is full; free some space"):
        fill(store, created)
    assert sorted(item.id for item in store.reads.list_campaigns(limit=1000).items) == sorted(created)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    created.append(store.service.create_campaign(synthetic_spec(name="after")).id)
    assert sorted(item.id for item in store.reads.list_campaigns(limit=1000).items) == sorted(created)
    store.close()


def test_a_disk_that_is_nearly_full_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(sqlite_url(tmp_path / "effspine.db"))
    store.check()
    monkeypatch.setattr(database, "MIN_FREE_BYTES", 2**80)
    with pytest.raises(StoreFullError, match="its disk is full"):
        store.check()
    store.close()


def test_a_runner_without_its_store_logs_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "effspine.db").mkdir()
    arguments = ["--database-url", sqlite_url(tmp_path / "effspine.db"), "--data-dir", str(tmp_path)]
    assert main(["c_0", *arguments]) == EXIT_MUST_WAIT
    assert "effspine.db" in caplog.text


def test_a_runner_without_disk_space_reports_it_and_releases_its_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_directory, "NEEDED_MIB", 10**12)
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    assert main([campaign_id, "--database-url", url, "--data-dir", str(tmp_path)]) == EXIT_MUST_WAIT
    assert "set TMPDIR" in caplog.text
    store.runner.claim(campaign_id, "another", 20)
    store.close()


def test_a_campaign_whose_store_is_full_waits_and_does_not_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    command = (sys.executable, "-c", f"import sys; print('full'); sys.exit({EXIT_MUST_WAIT})")
    stop = threading.Event()
    thread = threading.Thread(target=Supervisor(url, tmp_path, runner_command=command).run, args=(stop,))
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while log_tail(tmp_path, campaign_id).count("full") < MAX_RESTARTS + 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join(120)
    assert store.reads.get_campaign(campaign_id).state == "pending"
    store.close()
