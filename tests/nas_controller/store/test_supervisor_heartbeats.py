"""Heartbeats of supervisors."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from nas_controller.store import Store, sqlite_url
from nas_controller.store.supervisors import ALIVE_SECONDS, RETENTION_HOURS
from nas_controller.supervision.outward import Outward
from nas_controller.supervision.supervisor import Supervisor
from tests.support.synthetic_campaigns import Clock, claimed_campaign, create, run_to_the_end


def test_supervisors_are_alive_while_they_send_heartbeats(store: Store, clock: Clock) -> None:
    assert store.reads.list_supervisors() == ()
    store.runner.record_heartbeat("s-1", "here", 12, "0.1.0")
    clock.advance(ALIVE_SECONDS / 2)
    store.runner.record_heartbeat("s-2", "there", 13, "0.1.0")
    store.runner.record_heartbeat("s-2", "there", 13, "0.1.0", {"mlflow": "nobody answers"}, 4, 3)
    second, first = store.reads.list_supervisors()
    assert (first.id, first.host, first.pid, first.version, first.is_alive) == ("s-1", "here", 12, "0.1.0", True)
    assert second.started_at > first.started_at
    assert (first.failing_sinks, second.failing_sinks) == ({}, {"mlflow": "nobody answers"})
    assert (first.processors, first.max_parallelism, second.processors, second.max_parallelism) == (None, None, 4, 3)
    clock.advance(ALIVE_SECONDS / 2 + 1)
    assert [each.is_alive for each in store.reads.list_supervisors()] == [True, False]
    store.runner.remove_supervisor("s-2")
    assert [each.id for each in store.reads.list_supervisors()] == ["s-1"]
    clock.advance(RETENTION_HOURS * 3_600)
    assert store.reads.list_supervisors() == ()


def test_a_supervisor_writes_heartbeats_and_is_removed_when_it_ends(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    stop = threading.Event()
    thread = threading.Thread(target=Supervisor(url, tmp_path, max_parallelism=3).run, args=(stop,))
    thread.start()
    seen = ()
    try:
        for _ in range(200):
            seen = store.reads.list_supervisors()
            if seen or stop.wait(0.05):
                break
    finally:
        stop.set()
        thread.join()
    assert [(each.is_alive, each.processors, each.max_parallelism) for each in seen] == [
        (True, len(os.sched_getaffinity(0)), 3)
    ]
    assert store.reads.list_supervisors() == ()
    store.close()


def test_a_supervisor_says_which_sinks_it_cannot_write(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    run_to_the_end(claimed_campaign(store, create(store, trials=2)))
    (tmp_path / "file").touch()
    stop = threading.Event()
    supervisor = Supervisor(url, tmp_path, outward=Outward(tensorboard_dir=tmp_path / "file"))
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    failing: dict[str, str] = {}
    try:
        for _ in range(400):
            failing = next((each.failing_sinks for each in store.reads.list_supervisors()), {})
            if failing or stop.wait(0.05):
                break
    finally:
        stop.set()
        thread.join()
    assert failing.keys() == {"tensorboard"}
    assert str(tmp_path / "file") in failing["tensorboard"]
    store.close()
