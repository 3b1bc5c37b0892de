"""Small campaigns without training, their loop with a fake executor, and a clock."""

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
    """A clock that only `advance` moves."""

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


LONG_AGO = 1e9
"""Seconds since the begin of a worker that began when its attempt was handed out: none begins before that."""


def claimed_campaign(store: Store, campaign_id: str, owner: str = "runner") -> Campaign:
    """The campaign under a new lease."""
    return Campaign(store, store.runner.claim(campaign_id, owner, 1e6))


def create(store: Store, **changes: object) -> str:
    """Creates a synthetic campaign; its id."""
    return store.service.create_campaign(synthetic_spec(**changes)).id


def reward(campaign: Campaign, work: TrialWork) -> Rewarded:
    """The outcome of a trial with its synthetic reward."""
    value = synthetic_reward.reward(work.widths, campaign.base.widths)
    return Rewarded(value, {"ap": value})


def run_to_the_end(campaign: Campaign, seed: int | None = None, parallelism: int = 1) -> list[TrialWork]:
    """Runs `parallelism` trials at once and finishes them in a random order; returns the work in order of its start."""
    finish_order = np.random.default_rng(seed)
    started: list[TrialWork] = []
    running: list[TrialWork] = []
    idle = 0
    while not campaign.over:
        work = campaign.next_trial() if len(running) < parallelism else None
        if work is not None:
            started.append(work)
            running.append(work)
        elif running:
            finished = running.pop(int(finish_order.integers(len(running))))
            campaign.complete(finished, reward(campaign, finished))
        else:
            idle += 1
            assert idle < 1000, "nothing runs, nothing is proposed, and the campaign is not over"
    return started


def final_state(store: Store, campaign_id: str) -> tuple[Any, ...]:
    """The trials in order, the controller and the campaign's state, which must not depend on crashes."""
    columns = store.reads.trial_columns(campaign_id, "widths", "reward", "reused_from", "state", "log_probability")
    controller = store.reads.controller_state(campaign_id)
    assert controller is not None
    return columns, controller.digest, store.reads.get_campaign(campaign_id).state
