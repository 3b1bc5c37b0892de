"""Invariants of the database after a run, whatever faults were injected. A violation is a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

from nas_controller.execution import synthetic_reward
from nas_controller.states import EVENTS_OF_OUTCOMES
from nas_controller.store import EventRecord, Store
from tests.chaos.observer import Follower
from tests.chaos.service import Service
from tests.support.paths import ROOT

BATCH = 1_000
VERIFY_SECONDS = 300.0


def violations(service: Service, follower: Follower) -> list[str]:
    """The violations in the data of a finished campaign."""
    with closing(Store.open(service.database.url)) as store:
        events = list(_events(store, service.campaign_id))
        found = [
            *_of_trials(store, service.campaign_id),
            *_of_events(store, service.campaign_id, events),
            *_of_phases(store, service.campaign_id, events),
            *_of_follower(store, service.campaign_id, events, follower),
        ]
    if damage := service.database.damage():
        found.append(f"the database is damaged: {damage}")
    return found + _of_replay(service)


def _of_trials(store: Store, campaign_id: str) -> Iterator[str]:
    """Each trial has one correct reward, from one accepted attempt."""
    campaign = store.reads.get_campaign(campaign_id)
    base, is_computed = campaign.spec.search_space.build().base, campaign.spec.proxy_task.profile == "synthetic"
    if campaign.state != "completed":
        yield f"the campaign is {campaign.state}: {campaign.error}"
    if not campaign.spec.trials == campaign.trials_begun == campaign.trials_finished:
        counts = f"{campaign.trials_begun} have begun and {campaign.trials_finished} have finished"
        yield f"of {campaign.spec.trials} trials, {counts}"
    for number in range(campaign.trials_begun):
        detail = store.reads.get_trial(campaign_id, number)
        trial, states = detail.trial, Counter(attempt.state for attempt in detail.attempts)
        if trial.state != "completed":
            yield f"trial {number} is {trial.state}: {trial.error}"
        elif is_computed and trial.reward != synthetic_reward.reward(trial.widths, base.widths):
            yield f"trial {number} has the reward {trial.reward}, which is not that of its widths"
        if states["accepted"] != (0 if trial.reused_from is not None else 1) or states["running"]:
            yield f"the attempts of trial {number} are {dict(states)}"


def _of_phases(store: Store, campaign_id: str, events: list[EventRecord]) -> Iterator[str]:
    """The shared weights are trained, and each final has one reward, whose event was delivered once."""
    campaign = store.reads.get_campaign(campaign_id)
    if campaign.spec.proxy_task.resolve().kind == "shared":
        training, trained = campaign.shared_training, [e for e in events if e.kind == "shared-training.completed"]
        if training is None or training.state != "completed" or len(trained) != 1:
            yield f"the shared weights were trained {len(trained)} times and are {training and training.state}"
    if campaign.spec.finals is None:
        return
    if campaign.finals is None or campaign.finals.state != "completed":
        yield f"the finals are {campaign.finals and campaign.finals.state}"
        return
    rewarded = Counter((e.data["trial"], e.data["seed"]) for e in events if e.kind == "final.completed")
    runs = store.reads.final_runs(campaign_id)
    if len(runs) != campaign.finals.runs or rewarded != Counter((run.trial, run.seed) for run in runs):
        yield f"of {campaign.finals.runs} finals {len(runs)} have begun, and their rewards are {dict(rewarded)}"


def _of_events(store: Store, campaign_id: str, events: list[EventRecord]) -> Iterator[str]:
    """The sequence of events has no gap, and each trial has one outcome."""
    if [event.sequence for event in events] != list(range(1, store.reads.get_campaign(campaign_id).last_event + 1)):
        yield "the sequence of events has gaps"
    outcomes = Counter(event.data["number"] for event in events if event.kind in EVENTS_OF_OUTCOMES)
    for number, count in outcomes.items():
        if count != 1:
            yield f"trial {number} has {count} outcomes"
    if len(outcomes) != store.reads.get_campaign(campaign_id).spec.trials:
        yield f"{len(outcomes)} trials have outcomes"


def _of_follower(store: Store, campaign_id: str, events: list[EventRecord], follower: Follower) -> Iterator[str]:
    """The stream delivered the events and rewards that are in the database."""
    delivered = [(event.sequence, event.kind, event.data) for event in follower.events]
    if delivered != [(event.sequence, event.kind, dict(event.data)) for event in events]:
        yield f"the stream delivered {len(delivered)} events, the database has {len(events)}, and they differ"
    columns = store.reads.trial_columns(campaign_id, "number", "reward")
    rewards = dict(zip(columns["number"], columns["reward"], strict=True))
    for _, kind, data in delivered:
        if kind in EVENTS_OF_OUTCOMES and rewards.get(data["number"]) != data["reward"]:
            stored = rewards.get(data["number"])
            yield f"trial {data['number']} was delivered with the reward {data['reward']} and has {stored}"


def _of_replay(service: Service) -> list[str]:
    """Runs `effspine campaign verify`."""
    command = [sys.executable, "-m", "api.cli.main", "campaign", "verify", service.campaign_id, "--json"]
    completed = subprocess.run(
        command, cwd=ROOT, env=service.environment, capture_output=True, text=True, timeout=VERIFY_SECONDS, check=False
    )
    if completed.returncode == 0 and json.loads(completed.stdout)["exact"] is True:
        return []
    return [f"`campaign verify` is not exact: {completed.stdout}{completed.stderr}"]


def _events(store: Store, campaign_id: str) -> Iterator[EventRecord]:
    sequence = 0
    while batch := store.reads.events_after(campaign_id, sequence, BATCH):
        yield from batch
        sequence = batch[-1].sequence
