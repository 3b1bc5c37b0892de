"""A large database (`effspine bench fill`), which the load benchmark of the API reads."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from typing import Any

from nas_controller.benchmarks.filled_campaign import NOT_STARTED, Plan, filled_campaign
from nas_controller.search.limits import MAX_TRIALS
from nas_controller.states import CAMPAIGN_STATES, CampaignState
from nas_controller.store import Store
from nas_controller.store.bulk_insert import BulkInsert
from nas_controller.store.database import Database
from search_space.errors import InvalidValueError

MIN_CAMPAIGNS = len(CAMPAIGN_STATES) + 1
UNFINISHED_INTERVAL = 10
RECURRENT_INTERVAL = 10
FIRST_CREATED_AT = datetime(2026, 1, 1, tzinfo=UTC)
PARALLELISMS = (1, 2, 4)

Advance = Callable[[int], None]


def plans(campaigns: int, trials: int, largest: int, seed: int) -> list[Plan]:
    """Plans of campaigns with `trials` trials in total: `largest` of them in one campaign, the rest in equal parts.

    The largest campaign is the newest and is completed. It has the recurrent policy, as has every tenth of the others;
    the rest have the factorised policy. The first campaigns have one of each state other than `completed`, and after
    them every tenth campaign has one. Raises InvalidValueError for numbers that cannot be met.
    """
    if campaigns < MIN_CAMPAIGNS:
        raise InvalidValueError(f"campaigns is {campaigns}; give {MIN_CAMPAIGNS} or more", field="campaigns")
    states = [_state(index) for index in range(campaigns - 1)]
    begun = sum(state not in NOT_STARTED for state in states)
    reserved = (max(PARALLELISMS) + 1) * begun
    max_largest = max(1, min(MAX_TRIALS, trials - reserved))
    if not 1 <= largest <= min(MAX_TRIALS, trials - reserved):
        raise InvalidValueError(
            f"largest is {largest:,}; for {trials:,} trials in {campaigns:,} campaigns it must be 1 to {max_largest:,}",
            field="largest",
        )
    trials_per_campaign, remainder = divmod(trials - largest, begun)
    if trials_per_campaign >= MAX_TRIALS:
        raise InvalidValueError(f"trials is {trials:,}; a campaign has at most {MAX_TRIALS:,}", field="trials")
    planned = []
    for index, state in enumerate(states):
        count = 0
        if state not in NOT_STARTED:
            count, remainder = trials_per_campaign + (remainder > 0), max(0, remainder - 1)
        total = count if state == "completed" else min(MAX_TRIALS, 2 * max(trials_per_campaign, 1))
        planned.append(_plan(index, state, count, total, seed))
    return [*planned, _plan(campaigns - 1, "completed", largest, largest, seed, policy="recurrent")]


def _state(index: int) -> CampaignState:
    others = [state for state in CAMPAIGN_STATES if state != "completed"]
    if index < len(others):
        return others[index]
    return others[index // UNFINISHED_INTERVAL % len(others)] if index % UNFINISHED_INTERVAL == 0 else "completed"


def _plan(index: int, state: CampaignState, begun: int, trials: int, seed: int, policy: str | None = None) -> Plan:
    return Plan(
        name=f"campaign {index + 1}",
        state=state,
        begun=begun,
        trials=trials,
        parallelism=PARALLELISMS[index % len(PARALLELISMS)],
        policy=policy or ("recurrent" if index % RECURRENT_INTERVAL == 0 else "factorised"),
        seed=seed + index,
        created_at=FIRST_CREATED_AT + timedelta(hours=index),
    )


def fill(url: str, campaign_plans: list[Plan], advance: Advance) -> dict[str, Any]:
    """Fills the empty database at `url`; returns the numbers of campaigns and trials, and the largest campaign.

    `advance` is called with the number of trials of each campaign that is written. One process per processor generates
    campaigns. Raises ConflictError for a database that is not empty, StoreUnavailableError if it is unavailable.
    """
    Store.open(url).close()
    database = Database(url)
    bulk_insert = BulkInsert(database)
    bulk_insert.require_empty()
    processes = min(len(campaign_plans), os.cpu_count() or 1)
    largest: tuple[int, str | None] = (-1, None)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        longest_first = sorted(campaign_plans, key=lambda plan: -plan.begun)
        for future in as_completed([pool.submit(filled_campaign, plan) for plan in longest_first]):
            rows = future.result()
            bulk_insert.insert_campaign(rows)
            advance(len(rows.trials))
            largest = max(largest, (len(rows.trials), rows.campaign["id"]))
    bulk_insert.vacuum_analyze()
    database.close()
    return {
        "campaigns": len(campaign_plans),
        "trials": sum(plan.begun for plan in campaign_plans),
        "largest": {"id": largest[1], "trials": largest[0]},
    }
