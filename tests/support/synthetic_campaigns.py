"""Small campaigns without training, their loop with a fake executor, and a clock, for the tests of this package."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution import synthetic_reward
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.outcomes import Rewarded, TrialWork
from nas_controller.store import Store


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def synthetic_spec(**changes: object) -> CampaignSpec:
    """A small synthetic campaign with the fast policy."""
    document: dict[str, object] = {
        "name": "test",
        "trials": 8,
        "controller": {"policy": "factorised"},
        "proxy_task": {"profile": "synthetic"},
    }
    return CampaignSpec.model_validate({**document, **changes})


def take_up(store: Store, campaign_id: str, owner: str = "runner") -> Campaign:
    return Campaign(store, store.runner.claim(campaign_id, owner, 1e6))


def create(store: Store, **changes: object) -> str:
    return store.service.create_campaign(synthetic_spec(**changes)).id


def reward(campaign: Campaign, work: TrialWork) -> Rewarded:
    value = synthetic_reward.reward(work.widths, campaign.base.widths)
    return Rewarded(value, {"ap": value})


def run_to_the_end(campaign: Campaign, seed: int | None = None, parallelism: int = 1) -> list[TrialWork]:
    """Runs so many trials at once, finishing them in an order by the seed; returns the work in order of its
    start.
    """
    arrivals = np.random.default_rng(seed)
    started: list[TrialWork] = []
    running: list[TrialWork] = []
    idle = 0
    while not campaign.over:
        work = campaign.next_trial() if len(running) < parallelism else None
        if work is not None:
            started.append(work)
            running.append(work)
        elif running:
            done = running.pop(int(arrivals.integers(len(running))))
            campaign.complete(done, reward(campaign, done))
        else:
            idle += 1
            assert idle < 1000, "nothing runs, nothing is proposed, and the campaign is not over"
    return started


def outline(store: Store, campaign_id: str) -> tuple[Any, ...]:
    """What must not depend on crashes: the trials in order, and the controller."""
    columns = store.reads.trial_columns(campaign_id, "widths", "reward", "reused_from", "state", "log_probability")
    kept = store.reads.controller_state(campaign_id)
    assert kept is not None
    return columns, kept.digest, store.reads.get_campaign(campaign_id).state
