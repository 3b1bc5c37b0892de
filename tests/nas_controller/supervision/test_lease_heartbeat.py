"""A runner that is ending keeps nobody waiting for its lease."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution import ray_sessions, tune_runner
from nas_controller.store import ConflictError, LeaseLostError, Store
from nas_controller.supervision import runner
from nas_controller.supervision.lease_heartbeat import Heartbeat
from tests.support.synthetic_campaigns import synthetic_spec

LEASE_SECONDS = 600.0


def test_a_lease_that_is_given_up_is_free_at_once_and_writes_nothing_more(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    lease = store.runner.claim(campaign_id, "ending", LEASE_SECONDS)
    with Heartbeat(store, lease) as heartbeat:
        campaign = Campaign(store, lease)
        heartbeat.give_up()
        store.runner.claim(campaign_id, "next", LEASE_SECONDS)
        with pytest.raises(LeaseLostError):
            campaign.next_trial()
    assert not heartbeat.lost


def test_a_runner_that_is_told_to_end_gives_its_lease_up_before_its_ray_has_ended(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    epochs: list[int] = []

    @contextmanager
    def slow_to_end(*_: object) -> Iterator[Path]:
        try:
            yield tmp_path
        finally:
            epochs.append(store.runner.claim(campaign_id, "next", LEASE_SECONDS).epoch)

    def run_campaign(*_: object, **__: object) -> None:
        raise SystemExit(143)

    monkeypatch.setattr(ray_sessions, "session", slow_to_end)
    monkeypatch.setattr(tune_runner, "run_campaign", run_campaign)
    with pytest.raises(SystemExit):
        runner.run(campaign_id, store, tmp_path, "ending", LEASE_SECONDS)
    assert epochs == [2]
    with pytest.raises(ConflictError, match="next"):
        store.runner.claim(campaign_id, "third", LEASE_SECONDS)
