"""One campaign of a filled database: the real campaign loop with a simulated clock, simulated failures and synthetic
learning curves.

The loop writes to a database in memory, from which the campaign's rows are copied. Trials have the synthetic profile
and finish in the order in which they began. Only learning curves bypass the loop: a full database has more than a
million points, and no decision depends on them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution.synthetic_reward import reward as synthetic_reward
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller_spec import LEARNING_RATES
from nas_controller.search.outcomes import WORKER_KILLED, Failed, Rewarded, TrialWork
from nas_controller.states import BASELINE_TRIAL, CampaignState
from nas_controller.store import Lease, Store
from nas_controller.store.bulk_insert import CampaignRows, Row
from nas_controller.store.learning_curves import MAX_CURVE_POINTS
from nas_controller.store.scratch_database import ScratchDatabase

NOT_STARTED = ("draft", "pending")
TRIAL_SECONDS = 20.0
STEPS = 1_000
CURVE_POINTS = 6
"""Of most trials; one trial in FULL_CURVE_INTERVAL, and the last LAST_FULL_CURVES, have as many as the store keeps."""
FULL_CURVE_INTERVAL = 500
LAST_FULL_CURVES = 10
FAILED_FRACTION, RETRIED_FRACTION = 0.01, 0.02
"""Of the trials: those that fail, and those whose first attempt loses its worker."""
LEARNING_RATE_FACTOR = 0.03
"""Factor on the default learning rates, with which nearly all trials of a long campaign would be repeats."""
LEASE_SECONDS = timedelta(days=36_500).total_seconds()
"""The lease of unfinished campaigns. No runner holds it; it prevents supervisors from starting one."""
LEASE_OWNER = "nobody"

_DIVERGED = "the loss is not finite at step 412 (learning rate 0.08; the last finite loss was 3.2)"
_WORKER_DIED = "the worker died before the trial finished: it reported no cause, probably SIGKILL"
_NO_DATA = "annotations: image 17 is missing"


class Plan(NamedTuple):
    """A campaign to generate: it begins `begun` of its `trials` trials and ends in `state`."""

    name: str
    state: CampaignState
    begun: int
    trials: int
    parallelism: int
    policy: str
    seed: int
    created_at: datetime


def filled_campaign(plan: Plan) -> CampaignRows:
    """The rows of a generated campaign."""
    clock = _Clock(plan.created_at)
    database = ScratchDatabase()
    store = Store(database, clock)
    campaign_id = store.service.create_campaign(_spec(plan), draft=plan.state == "draft").id
    curves: list[Row] = []
    if plan.state not in NOT_STARTED:
        lease = store.runner.claim(campaign_id, LEASE_OWNER, LEASE_SECONDS)
        run = _Run(plan, store, lease, clock)
        run.run_to_state()
        curves = run.curves
    rows = database.campaign_rows()
    database.close()
    if plan.state == "pending":
        until = plan.created_at + timedelta(seconds=LEASE_SECONDS)
        rows.campaign.update(lease_owner=LEASE_OWNER, lease_expires_at=until)
    return rows._replace(measurements=curves)


def _spec(plan: Plan) -> CampaignSpec:
    return CampaignSpec.model_validate(
        {
            "name": plan.name,
            "trials": plan.trials,
            "parallelism": plan.parallelism,
            "seed": plan.seed,
            "controller": {
                "policy": plan.policy,
                "learning_rate": round(LEARNING_RATE_FACTOR * LEARNING_RATES[plan.policy], 6),
            },
            "proxy_task": {"profile": "synthetic"},
        }
    )


class _Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class _Run:
    """Runs a claimed campaign to its planned state. `curves` are the points of its learning curves."""

    def __init__(self, plan: Plan, store: Store, lease: Lease, clock: _Clock) -> None:
        self._plan = plan
        self._store = store
        self._lease = lease
        self._clock = clock
        self._random = np.random.default_rng(plan.seed)
        self._in_flight: deque[TrialWork] = deque()
        # The loop begins as many trials as the newest specification has.
        spec = _spec(plan).model_copy(update={"trials": plan.begun})
        self._is_draining = False
        self._campaign = Campaign(store, lease, draining=lambda: self._is_draining, newest=lambda: spec)
        self.curves: list[Row] = []

    def run_to_state(self) -> None:
        """Begins and finishes trials until all planned ones have begun, then moves the campaign to its state."""
        for work in self._begin_all():
            self._finish(work)
        for work in self._in_flight:
            self._campaign.progress(work, STEPS // 2, STEPS, {})
        service, campaign_id, state = self._store.service, self._lease.campaign_id, self._plan.state
        if state in ("pausing", "paused"):
            service.request_pause(campaign_id)
            self._is_draining = True
        elif state in ("stopping", "stopped"):
            service.request_stop(campaign_id)
        if state == "failed":
            self._campaign.complete(self._in_flight.popleft(), Failed("stop", _NO_DATA, "data"))
        elif state == "stopped":
            self._campaign.end("stopped")
        elif state in ("completed", "paused"):
            while self._in_flight:
                self._finish(self._in_flight.popleft())
                self._begin_attempts()
        if state == "paused":
            self._store.runner.pause_campaign(self._lease)

    def _begin_all(self) -> Iterator[TrialWork]:
        """Begins trials, up to `parallelism` at once; yields each trial that must finish before the next can begin."""
        while True:
            work = self._campaign.next_trial() if len(self._in_flight) < self._plan.parallelism else None
            if work is not None:
                self._begin(work)
            elif self._campaign.over or self._all_begun():
                return
            elif self._in_flight:
                yield self._in_flight.popleft()

    def _all_begun(self) -> bool:
        return self._store.reads.get_campaign(self._lease.campaign_id).trials_begun == self._plan.begun

    def _begin_attempts(self) -> None:
        """Begins further attempts at trials whose worker has died."""
        while (work := self._campaign.next_trial()) is not None:
            self._begin(work)

    def _begin(self, work: TrialWork) -> None:
        self._in_flight.append(work)
        self._campaign.begun(work, 0.0)

    def _finish(self, work: TrialWork) -> None:
        if work.number != BASELINE_TRIAL and work.attempt == 1:
            uniform = self._random.random()
            if uniform < FAILED_FRACTION + RETRIED_FRACTION:
                self._clock.advance(TRIAL_SECONDS / 3)
                failure = Failed("give_up", _DIVERGED, "non-finite-loss", _DIVERGED)
                if uniform >= FAILED_FRACTION:
                    failure = Failed("retry", _WORKER_DIED, WORKER_KILLED, _WORKER_DIED)
                self._campaign.complete(work, failure)
                return
        reward = synthetic_reward(work.widths, self._campaign.base.widths)
        self._clock.advance(TRIAL_SECONDS / self._plan.parallelism)
        self._campaign.progress(work, STEPS, STEPS, {})
        self._add_curve(work, reward)
        self._campaign.complete(work, Rewarded(reward, {"ap": reward, "seconds": TRIAL_SECONDS}))

    def _add_curve(self, work: TrialWork, reward: float) -> None:
        """Adds a synthetic learning curve: a loss that decays exponentially, and the reward as the last AP."""
        is_full = work.number % FULL_CURVE_INTERVAL == 0 or work.number >= self._plan.begun - LAST_FULL_CURVES
        points = MAX_CURVE_POINTS if is_full else CURVE_POINTS
        began_at = self._clock.now - timedelta(seconds=TRIAL_SECONDS)
        for point in range(1, points + 1):
            fraction = point / points
            values = {"loss": 0.5 + 3.0 * math.exp(-4.0 * fraction), "seconds": TRIAL_SECONDS * fraction}
            if point == points:
                values["ap"] = reward
            self.curves.append(
                {
                    "campaign_id": self._lease.campaign_id,
                    "trial": work.number,
                    "attempt": work.attempt,
                    "step": STEPS * point // points,
                    "at": began_at + timedelta(seconds=TRIAL_SECONDS * fraction),
                    "values": values,
                }
            )
