"""A runner that is ending releases its lease at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution.executor import Session, Workers
from nas_controller.store import ConflictError, LeaseLostError, Store
from nas_controller.supervision import runner
from nas_controller.supervision.lease_heartbeat import Heartbeat
from nas_controller.supervision.runner import Machine
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.waiting import wait_for

LEASE_SECONDS = 600.0


def test_a_released_lease_can_be_claimed_at_once_and_allows_no_more_writes(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    lease = store.runner.claim(campaign_id, "ending", LEASE_SECONDS)
    with Heartbeat(store, lease) as heartbeat:
        campaign = Campaign(store, lease)
        heartbeat.release()
        store.runner.claim(campaign_id, "next", LEASE_SECONDS)
        with pytest.raises(LeaseLostError):
            campaign.next_trial()
    assert not heartbeat.lost


def test_a_lease_that_cannot_be_renewed_for_an_unknown_reason_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    lease = store.runner.claim(store.service.create_campaign(synthetic_spec()).id, "runner", 0.08)
    monkeypatch.setattr(store.runner, "renew", fail)
    with Heartbeat(store, lease) as heartbeat:
        wait_for(lambda: heartbeat.lost, "the loss of the lease")


class SlowToEnd:
    """An executor that is interrupted at once, and whose session ends only after another runner has the lease."""

    def __init__(self, store: Store, campaign_id: str) -> None:
        self._store = store
        self._campaign_id = campaign_id
        self.epochs: list[int] = []

    @contextmanager
    def session(self, workers: Workers) -> Iterator[Session]:
        try:
            yield self
        finally:
            self.epochs.append(self._store.runner.claim(self._campaign_id, "next", LEASE_SECONDS).epoch)

    def run(self, *_: object) -> None:
        raise SystemExit(143)


def test_a_terminated_runner_releases_its_lease_before_its_workers_have_ended(store: Store, tmp_path: Path) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    executor = SlowToEnd(store, campaign_id)
    with pytest.raises(SystemExit):
        runner.run(campaign_id, store, tmp_path, "ending", LEASE_SECONDS, Machine(executor=executor))
    assert executor.epochs == [2]
    with pytest.raises(ConflictError, match="next"):
        store.runner.claim(campaign_id, "third", LEASE_SECONDS)
