"""A database as large as after a busy year (`effspine bench fill`), which the benchmark of the API reads."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from typing import Any

from nas_controller.benchmarks.filled_campaign import NOT_BEGUN, Plan, filled_campaign
from nas_controller.search.campaign_spec import MAX_TRIALS
from nas_controller.states import CAMPAIGN_STATES, CampaignState
from nas_controller.store import Store
from nas_controller.store.bulk_insert import BulkInsert
from nas_controller.store.database import Database
from search_space.errors import InvalidValueError

LEAST_CAMPAIGNS = len(CAMPAIGN_STATES) + 1
UNFINISHED_EVERY = 10
RECURRENT_EVERY = 10
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PARALLELISMS = (1, 2, 4)

Advance = Callable[[int], None]


def plans(campaigns: int, trials: int, largest: int, seed: int) -> list[Plan]:
    """The campaigns to fill in: `trials` in all, `largest` of them in one campaign and the rest in equal parts.

    The largest is the newest, completed, and has the recurrent controller, as every tenth of the others; these have the
    factorised one. One campaign is in each of the states that are not `completed`, and so is every tenth after them.
    Raises InvalidValueError for numbers that do not allow it.
    """
    if campaigns < LEAST_CAMPAIGNS:
        raise InvalidValueError(f"campaigns is {campaigns}; give {LEAST_CAMPAIGNS} or more", field="campaigns")
    states = [_state(place) for place in range(campaigns - 1)]
    begun = sum(state not in NOT_BEGUN for state in states)
    least = (max(PARALLELISMS) + 1) * begun
    if not 1 <= largest <= min(MAX_TRIALS, trials - least):
        raise InvalidValueError(
            f"largest is {largest:,}; of {trials:,} trials in {campaigns:,} campaigns it can be 1 to "
            f"{max(1, min(MAX_TRIALS, trials - least)):,}",
            field="largest",
        )
    share, left = divmod(trials - largest, begun)
    if share >= MAX_TRIALS:
        raise InvalidValueError(f"trials is {trials:,}; a campaign has {MAX_TRIALS:,} at most", field="trials")
    made = []
    for place, state in enumerate(states):
        count = 0
        if state not in NOT_BEGUN:
            count, left = share + (left > 0), max(0, left - 1)
        asked = count if state == "completed" else min(MAX_TRIALS, 2 * max(share, 1))
        made.append(_plan(place, state, count, asked, seed))
    return [*made, _plan(campaigns - 1, "completed", largest, largest, seed, policy="recurrent")]


def _state(place: int) -> CampaignState:
    others = [state for state in CAMPAIGN_STATES if state != "completed"]
    if place < len(others):
        return others[place]
    return others[place // UNFINISHED_EVERY % len(others)] if place % UNFINISHED_EVERY == 0 else "completed"


def _plan(place: int, state: CampaignState, begun: int, asked: int, seed: int, policy: str | None = None) -> Plan:
    return Plan(
        name=f"campaign {place + 1}",
        state=state,
        begun=begun,
        trials=asked,
        parallelism=PARALLELISMS[place % len(PARALLELISMS)],
        policy=policy or ("recurrent" if place % RECURRENT_EVERY == 0 else "factorised"),
        seed=seed + place,
        created_at=BEGAN + timedelta(hours=place),
    )


def fill(url: str, wanted: list[Plan], advance: Advance) -> dict[str, Any]:
    """Fills the empty database at `url` and returns its numbers of campaigns and trials, and the largest campaign.

    `advance` is called with the number of trials of each campaign. As many processes as there are processors make
    campaigns. Raises ConflictError for a database that is not empty, StoreUnavailableError when it is away.
    """
    Store.open(url).close()
    database = Database(url)
    filling = BulkInsert(database)
    filling.require_empty()
    processes = min(len(wanted), os.cpu_count() or 1)
    largest: tuple[int, str | None] = (-1, None)
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        longest_first = sorted(wanted, key=lambda plan: -plan.begun)
        for made in as_completed([pool.submit(filled_campaign, plan) for plan in longest_first]):
            rows = made.result()
            filling.insert_campaign(rows)
            advance(len(rows.trials))
            largest = max(largest, (len(rows.trials), rows.campaign["id"]))
    filling.settle()
    database.close()
    return {
        "campaigns": len(wanted),
        "trials": sum(plan.begun for plan in wanted),
        "largest": {"id": largest[1], "trials": largest[0]},
    }
