"""One campaign as the record would hold it, made up at once instead of run: what `effspine bench fill` fills with.

Proposals, rewards, learning and events are those of a real campaign of the synthetic profile with the same seed, in the
order of a runner that finishes trials in the order it began them; so a replay finds the record exact. Made up are the
times, the learning curves, and which trials fail.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.execution.synthetic_reward import reward as synthetic_reward
from nas_controller.search.campaign_spec import LEARNING_RATES, CampaignSpec
from nas_controller.search.outcomes import WORKER_KILLED
from nas_controller.search.proposals import Search
from nas_controller.states import BASELINE_TRIAL, FINISHED_CAMPAIGN_STATES, CampaignState
from nas_controller.store.bulk_insert import CampaignRows, Row
from nas_controller.store.campaign_ids import new_campaign_id
from nas_controller.store.learning_curves import MAX_CURVE_POINTS

NOT_BEGUN = ("draft", "pending")
TRIAL_SECONDS = 20.0
STEPS = 1_000
CURVE_POINTS = 6
"""Of most trials; every FULL_CURVE_EVERYth, and the last LAST_FULL, have as many as the record keeps."""
FULL_CURVE_EVERY = 500
LAST_FULL = 10
GIVEN_UP, TRIED_AGAIN = 0.01, 0.02
"""How often a trial is given up, and how often its first attempt is lost."""
SLOWER = 0.03
"""The learning rates, of the defaults: at those, nearly all trials of a long campaign would be repeats."""
HELD_FOR = timedelta(days=36_500)
"""A campaign that is not over stands still: its lease, which no runner holds, keeps every supervisor away."""

_GIVEN_UP = ("the loss is not finite at step 412 (learning rate 0.08; the last finite loss was 3.2)", "non-finite-loss")
_LOST = ("the worker died before the trial had finished: it left no word, as after SIGKILL", WORKER_KILLED)


class Plan(NamedTuple):
    """What campaign to make up: `begun` trials of the `trials` asked for, then `state`."""

    name: str
    state: CampaignState
    begun: int
    trials: int
    parallelism: int
    policy: str
    seed: int
    created_at: datetime


def filled_campaign(plan: Plan) -> CampaignRows:
    """The rows of that campaign."""
    filling = _Filling(plan)
    if plan.state not in NOT_BEGUN:
        filling.run()
        filling.end()
    return filling.rows()


class _Filling:
    """The campaign as it is made up, event by event."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._spec = CampaignSpec.model_validate(
            {
                "name": plan.name,
                "trials": plan.trials,
                "parallelism": plan.parallelism,
                "seed": plan.seed,
                "controller": {"policy": plan.policy, "learning_rate": SLOWER * LEARNING_RATES[plan.policy]},
                "proxy_task": {"profile": "synthetic"},
            }
        )
        self._search = Search(self._spec)
        self._random = np.random.default_rng(plan.seed)
        self._now = plan.created_at
        self._first_of: dict[tuple[int, ...], int] = {}
        self._in_flight: deque[Row] = deque()
        self._latest: dict[int, Row] = {}
        self._found = CampaignRows({}, [], [], [], [], None)
        self._campaign: Row = {
            "id": new_campaign_id(plan.created_at),
            "name": plan.name,
            "state": plan.state,
            "spec": self._spec.model_dump(mode="json"),
            "created_at": plan.created_at,
            "trials_begun": 0,
            "trials_finished": 0,
            "last_event": 0,
            "lease_epoch": 0,
            "paused_seconds": 0.0,
            "device_seconds": 0.0,
            "trials_since_best": 0,
            "lease_owner": None,
            "lease_expires_at": None,
            **dict.fromkeys(("started_at", "finished_at", "error", "baseline_reward", "best_reward", "best_trial")),
            **dict.fromkeys(("pause_mode", "paused_at", "stopped_because")),
        }
        self._event("campaign.created", {"name": plan.name})
        if plan.state not in FINISHED_CAMPAIGN_STATES:
            self._campaign |= {"lease_owner": "nobody", "lease_expires_at": plan.created_at + HELD_FOR}

    def rows(self) -> CampaignRows:
        """All of it, with the sums over it that metrics read."""
        created, started = self._campaign["created_at"], self._campaign["started_at"]
        states = Counter(trial["state"] for trial in self._found.trials)
        attempts = Counter(attempt["state"] for attempt in self._found.attempts)
        sums = {
            "trials_failed": states["failed"],
            "rewards_accepted": attempts["accepted"],
            "queue_seconds": None if started is None else (started - created).total_seconds(),
        }
        return self._found._replace(campaign=self._campaign | sums)

    def run(self) -> None:
        """Begins and finishes trials; the last ones begun stay in flight."""
        self._campaign |= {"started_at": self._now, "lease_epoch": 1}
        self._event("campaign.claimed", {"owner": "nobody", "epoch": 1})
        for number in range(self._plan.begun):
            if len(self._in_flight) == self._plan.parallelism:
                self._finish(self._in_flight.popleft())
            self._begin(number)

    def end(self) -> None:
        """Brings the campaign to the state that was planned."""
        state = self._plan.state
        if state == "completed":
            self._drain()
        if state in ("pausing", "paused"):
            self._campaign["pause_mode"] = "drain"
            self._event("campaign.pausing", {"mode": "drain"})
        if state in ("stopping", "stopped"):
            self._event("campaign.stopping", {})
        if state == "paused":
            self._drain()
            self._campaign |= {"paused_at": self._now, "lease_owner": None, "lease_expires_at": None}
            self._event("campaign.paused", {"mode": "drain"})
        if state in FINISHED_CAMPAIGN_STATES:
            self._give_up_what_runs()
            self._campaign["finished_at"] = self._now
            if state == "failed":
                self._campaign["error"] = "annotations: image 17 is missing"
            error = self._campaign["error"]
            self._event(f"campaign.{state}", {} if error is None else {"error": error})

    def _drain(self) -> None:
        while self._in_flight:
            self._finish(self._in_flight.popleft())

    def _event(self, kind: str, data: Row) -> int:
        self._campaign["last_event"] += 1
        sequence: int = self._campaign["last_event"]
        row = {"campaign_id": self._campaign["id"], "sequence": sequence, "at": self._now, "kind": kind, "data": data}
        self._found.events.append(row)
        return sequence

    def _begin(self, number: int) -> None:
        proposed = self._search.propose(number)
        candidate = proposed.candidate
        reused_from = self._first_of.get(candidate.widths)
        self._first_of.setdefault(candidate.widths, number)
        trial = {
            "campaign_id": self._campaign["id"],
            "number": number,
            "state": "running",
            "choices": None if proposed.choices is None else list(proposed.choices),
            "log_probability": proposed.log_probability,
            "betas": list(candidate.betas),
            "alphas": list(candidate.alphas),
            "widths": list(candidate.widths),
            "madds": candidate.madds,
            "params": candidate.params,
            "madds_ratio": candidate.madds_ratio,
            "attempts": 0,
            "reused_from": reused_from,
            "started_at": self._now,
            **dict.fromkeys(("reward", "accepted_attempt", "metrics", "error", "error_kind", "progress_step")),
            **dict.fromkeys(("progress_total", "progress_ap", "stopped_early_step", "finished_at")),
        }
        self._campaign["trials_begun"] += 1
        told = ("number", "choices", "log_probability", "widths", "reused_from")
        self._event("trial.begun", {**{name: trial[name] for name in told}, "draw": proposed.draw})
        if reused_from is None:
            trial |= {"progress_step": STEPS // 2, "progress_total": STEPS}
            self._attempt(trial)
        self._found.trials.append(trial)
        self._in_flight.append(trial)

    def _attempt(self, trial: Row) -> None:
        trial["attempts"] += 1
        names = ("reward", "metrics", "error", "error_kind", "log_tail", "finished_at")
        self._found.attempts.append(
            {
                "campaign_id": self._campaign["id"],
                "trial": trial["number"],
                "number": trial["attempts"],
                "state": "running",
                "epoch": 1,
                "started_at": self._now,
                **dict.fromkeys(names),
            }
        )
        self._latest[trial["number"]] = self._found.attempts[-1]

    def _finish(self, trial: Row) -> None:
        if trial["reused_from"] is not None:
            known = self._found.trials[trial["reused_from"]]
            trial |= {name: known[name] for name in ("metrics", "error", "error_kind")}
            self._outcome(trial, known["state"], known["reward"])
            return
        number, luck = trial["number"], self._random.random()
        if number != BASELINE_TRIAL and luck < GIVEN_UP + TRIED_AGAIN:
            error, kind = _GIVEN_UP if luck < GIVEN_UP else _LOST
            self._pass(TRIAL_SECONDS / 3)
            self._close(trial, "failed", None, error, kind)
            self._event("attempt.failed", {"number": number, "attempt": 1, "error": error, "kind": kind})
            if luck < GIVEN_UP:
                trial |= {"error": error, "error_kind": kind}
                self._outcome(trial, "failed", 0.0)
                return
            self._attempt(trial)
            self._event("attempt.started", {"number": number, "attempt": trial["attempts"]})
        reward = synthetic_reward(trial["widths"], self._search.space.base.widths)
        self._curve(trial, reward)
        self._pass(TRIAL_SECONDS / self._plan.parallelism)
        trial |= {"metrics": {"ap": reward, "seconds": TRIAL_SECONDS}, "accepted_attempt": trial["attempts"]}
        trial["progress_step"] = STEPS
        self._close(trial, "accepted", reward)
        self._outcome(trial, "completed", reward)

    def _outcome(self, trial: Row, state: str, reward: float) -> None:
        gave_up = state == "failed"
        if trial["choices"] is None:
            self._search.controller.start_baseline(reward)
        else:
            self._search.controller.tell(trial["choices"], trial["log_probability"], reward)
        text = canonical_json(self._search.controller.state())
        digest = sha256_hex(text)
        trial |= {"state": state, "reward": reward, "finished_at": self._now}
        campaign = self._campaign
        campaign["trials_finished"] += 1
        if trial["number"] == 0:
            campaign["baseline_reward"] = reward
        if not gave_up and (campaign["best_reward"] is None or reward > campaign["best_reward"]):
            campaign |= {"best_reward": reward, "best_trial": trial["number"], "trials_since_best": 0}
        else:
            campaign["trials_since_best"] += 1
        data = {
            "number": trial["number"],
            "reward": reward,
            "attempt": trial["accepted_attempt"],
            "reused_from": trial["reused_from"],
            "controller_sha256": digest,
        }
        if gave_up:
            data |= {"error": trial["error"], "kind": trial["error_kind"]}
        sequence = self._event(f"trial.{state}", data)
        controller = {"campaign_id": campaign["id"], "sequence": sequence, "digest": digest, "state": text}
        self._found = self._found._replace(controller=controller)

    def _give_up_what_runs(self) -> None:
        for trial in self._in_flight:
            if trial["reused_from"] is None:
                self._close(trial, "abandoned", None)
                self._event("attempt.abandoned", {"number": trial["number"], "attempt": trial["attempts"]})
        for trial in self._in_flight:
            trial |= {"state": "stopped", "finished_at": self._now}
            self._event("trial.stopped", {"number": trial["number"]})

    def _close(
        self, trial: Row, state: str, reward: float | None, error: str | None = None, kind: str | None = None
    ) -> None:
        attempt = self._latest.pop(trial["number"])
        attempt |= {"state": state, "reward": reward, "error": error, "error_kind": kind, "finished_at": self._now}
        if reward is not None:
            attempt["metrics"] = trial["metrics"]
        if state == "failed":
            attempt["log_tail"] = error
        self._campaign["device_seconds"] += (self._now - attempt["started_at"]).total_seconds()

    def _curve(self, trial: Row, reward: float) -> None:
        number = trial["number"]
        is_full = number % FULL_CURVE_EVERY == 0 or number >= self._plan.begun - LAST_FULL
        points = MAX_CURVE_POINTS if is_full else CURVE_POINTS
        for point in range(1, points + 1):
            step, share = STEPS * point // points, point / points
            values = {"loss": 0.5 + 3.0 * math.exp(-4.0 * share), "seconds": TRIAL_SECONDS * share}
            if point == points:
                values["ap"] = reward
            self._found.measurements.append(
                {
                    "campaign_id": self._campaign["id"],
                    "trial": number,
                    "attempt": trial["attempts"],
                    "step": step,
                    "at": self._now + timedelta(seconds=TRIAL_SECONDS * share),
                    "values": values,
                }
            )

    def _pass(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
