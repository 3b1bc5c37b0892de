"""What the record keeps of files taken away and of supervisors."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.store import NotFoundError, Store, sqlite_url
from nas_controller.store.supervisors import ALIVE_SECONDS, RETENTION_HOURS
from nas_controller.supervision.supervisor import Supervisor
from search_space.errors import InvalidValueError
from tests.support.synthetic_campaigns import Clock, synthetic_spec


def campaign_with_a_trial(store: Store) -> str:
    campaign_id = store.service.create_campaign(synthetic_spec(trials=6)).id
    Campaign(store, store.runner.claim(campaign_id, "runner", 1e6)).next_trial()
    return campaign_id


def test_the_same_content_again_counts_on(store: Store, clock: Clock) -> None:
    campaign_id = campaign_with_a_trial(store)
    store.service.record_export(campaign_id, 0, "json", "a" * 64, 10)
    (first,) = store.service.list_exports(campaign_id).items
    clock.advance(5)
    store.service.record_export(campaign_id, 0, "json", "a" * 64, 10)
    (again,) = store.service.list_exports(campaign_id).items
    assert (first.count, again.count) == (1, 2)
    assert first.at == first.last_at == again.at
    assert (again.last_at - again.at).total_seconds() >= 5
    assert (again.trial, again.format, again.sha256, again.bytes) == (0, "json", "a" * 64, 10)


def test_exports_are_listed_in_pages(store: Store) -> None:
    campaign_id = campaign_with_a_trial(store)
    wanted = [(form, digit * 64) for form in ("json", "svg") for digit in "ab"]
    for form, digest in reversed(wanted):
        store.service.record_export(campaign_id, 0, form, digest, 1)
    found, cursor = [], None
    while True:
        page = store.service.list_exports(campaign_id, limit=3, cursor=cursor)
        found += [(each.format, each.sha256) for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == wanted
    with pytest.raises(InvalidValueError):
        store.service.list_exports(campaign_id, cursor="nonsense")


def test_what_is_not_there_cannot_be_exported(store: Store) -> None:
    campaign_id = campaign_with_a_trial(store)
    for campaign, trial in ((campaign_id, 5), ("c_none", 0)):
        with pytest.raises(NotFoundError):
            store.service.record_export(campaign, trial, "json", "a" * 64, 1)
    with pytest.raises(NotFoundError):
        store.service.list_exports("c_none")


def test_supervisors_are_alive_while_they_are_seen(store: Store, clock: Clock) -> None:
    assert store.reads.list_supervisors() == ()
    store.runner.record_heartbeat("s-1", "here", 12, "0.1.0")
    clock.advance(ALIVE_SECONDS / 2)
    store.runner.record_heartbeat("s-2", "there", 13, "0.1.0")
    store.runner.record_heartbeat("s-2", "there", 13, "0.1.0")
    second, first = store.reads.list_supervisors()
    assert (first.id, first.host, first.pid, first.version, first.is_alive) == ("s-1", "here", 12, "0.1.0", True)
    assert second.started_at > first.started_at
    clock.advance(ALIVE_SECONDS / 2 + 1)
    assert [each.is_alive for each in store.reads.list_supervisors()] == [True, False]
    store.runner.remove_supervisor("s-2")
    assert [each.id for each in store.reads.list_supervisors()] == ["s-1"]
    clock.advance(RETENTION_HOURS * 3_600)
    assert store.reads.list_supervisors() == ()


def test_a_supervisor_says_that_it_is_alive_and_when_it_ends(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    store = Store.open(url)
    stop = threading.Event()
    thread = threading.Thread(target=Supervisor(url, tmp_path).run, args=(stop,))
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
    assert [each.is_alive for each in seen] == [True]
    assert store.reads.list_supervisors() == ()
    store.close()
