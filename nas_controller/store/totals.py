"""Sums over all campaigns, for metrics. They add up the counts in the campaigns' rows, so every process on one database
reports the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import case, func, select

from nas_controller.states import CAMPAIGN_STATES, FINISHED_CAMPAIGN_STATES, TRIAL_STATES
from nas_controller.store import models
from nas_controller.store.database import Database

QUEUE_BOUNDS_SECONDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 604_800.0)


@dataclass(frozen=True)
class Totals:
    """Campaigns and trials by state, and sums over all campaigns.

    `queue_counts` has, for each of QUEUE_BOUNDS_SECONDS, the number of campaigns that waited at most that long for
    their first runner, of the `queue_count` campaigns that had one. `first_report_seconds` is the time from the start
    of an attempt to its first report of progress, summed over `first_reports` attempts. `workers_killed` counts
    attempts whose worker died, `attempts_lost` those that were lost with their runner.
    """

    campaigns: Mapping[str, int]
    trials: Mapping[str, int]
    trials_begun: int
    trials_finished: int
    rewards_accepted: int
    workers_killed: int
    attempts_lost: int
    queue_counts: tuple[int, ...]
    queue_count: int
    queue_seconds: float
    first_reports: int
    first_report_seconds: float


class TotalsQuery:
    """The sums. Raises StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def totals(self) -> Totals:
        """All sums, in one consistent read."""
        table = models.Campaign
        summed = (
            table.trials_begun,
            table.trials_finished,
            table.trials_failed,
            table.rewards_accepted,
            table.workers_killed,
            table.attempts_lost,
            table.first_reports,
            table.first_report_seconds,
            table.queue_seconds,
        )
        query = select(
            table.state.label("state"),
            func.coalesce(table.finals["state"].as_string(), "").label("finals_state"),
            func.count().label("campaigns"),
            func.count(table.queue_seconds).label("queue_count"),
            *(func.coalesce(func.sum(column), 0).label(column.key) for column in summed),
            *(
                func.count(case((table.queue_seconds <= bound, 1))).label(f"bound_{index}")
                for index, bound in enumerate(QUEUE_BOUNDS_SECONDS)
            ),
        ).group_by("state", "finals_state")
        campaigns = dict[str, int](dict.fromkeys(CAMPAIGN_STATES, 0))
        trials = dict[str, int](dict.fromkeys(TRIAL_STATES, 0))
        sums: Counter[str] = Counter()
        with self._database.reading() as session:
            rows = [dict(row._mapping) for row in session.execute(query)]
        for row in rows:
            state, is_in_finals = row.pop("state"), row.pop("finals_state") == "running"
            campaigns[state] += row["campaigns"]
            unfinished = "stopped" if state in FINISHED_CAMPAIGN_STATES or is_in_finals else "running"
            trials[unfinished] += row["trials_begun"] - row["trials_finished"]
            trials["failed"] += row["trials_failed"]
            trials["completed"] += row["trials_finished"] - row["trials_failed"]
            sums.update(row)
        return Totals(
            campaigns=campaigns,
            trials=trials,
            trials_begun=sums["trials_begun"],
            trials_finished=sums["trials_finished"],
            rewards_accepted=sums["rewards_accepted"],
            workers_killed=sums["workers_killed"],
            attempts_lost=sums["attempts_lost"],
            queue_counts=tuple(sums[f"bound_{index}"] for index in range(len(QUEUE_BOUNDS_SECONDS))),
            queue_count=sums["queue_count"],
            queue_seconds=float(sums["queue_seconds"]),
            first_reports=sums["first_reports"],
            first_report_seconds=float(sums["first_report_seconds"]),
        )
