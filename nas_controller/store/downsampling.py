"""Trials for figures: so few of a campaign that they can be drawn, chosen by the database.

A figure shows every k-th trial, which is as dense where trials are dense, and those that must not be missed whatever k
is. Rows that are not shown are counted and compared inside the database, in an index that has all that is needed
(`ix_trials_campaign_id_reward`), and never come here. So memory is bounded by the points that are asked for.

A sample is kept with the event up to which it goes. An outcome never changes and has an event of its own, so a later
one is the earlier one and the outcomes since (`samples.Sample.grown`): who follows a campaign that runs does not walk
through it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, func, select

from nas_controller.caches import Recent
from nas_controller.search.campaign_spec import BASELINE_TRIAL
from nas_controller.states import EVENTS_OF_OUTCOMES
from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.incremental_samples import Row, Sample, Wanted, new_rows, take
from nas_controller.store.mappers import measurement_record
from nas_controller.store.queries import campaign_values, require_campaign
from nas_controller.store.records import MeasurementRecord

BEST_KEPT = 20
MOST_KEPT_ROWS = 100_000
"""Of all samples that a store keeps; some 20 MB."""
_MOST_EVENTS = 5_000

Cost = Literal["madds", "params"]


class Sampled(NamedTuple):
    """Rows by number, and of how many they are a sample; the reward of the uniform baseline, if it was trained, and its
    cost, where the rows have one and it has begun.
    """

    rows: tuple[Row, ...]
    of: int
    baseline_reward: float | None
    baseline_cost: int | None


class Curve(NamedTuple):
    """What an attempt measured, at some of the `of` steps at which it did."""

    trial: int
    attempt: int
    points: tuple[MeasurementRecord, ...]
    of: int


class Downsampling:
    """Samples. All raise NotFoundError for the campaign, and StoreUnavailableError when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._samples: Recent[Sample] = Recent(MOST_KEPT_ROWS, Sample.size)

    def sample_rewards(self, campaign_id: str, points: int) -> Sampled:
        """(number, reward, reused_from) of about `points` trials with an outcome, `points` at most; beside them every
        one that was better than all before it.
        """
        table = models.Trial
        finished = and_(table.campaign_id == campaign_id, table.reward.is_not(None))
        query = select(table.number, table.reward, table.reused_from)
        return self._sample(Wanted(campaign_id, query, finished, "number", 0), points, None)

    def sample_costs(self, campaign_id: str, cost: Cost, points: int) -> Sampled:
        """(number, cost, reward) of about `points` trained trials, `points` at most; beside them the BEST_KEPT best,
        and every one that no other betters in reward at the same or a smaller cost.
        """
        table = models.Trial
        trained = and_(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reward.is_not(None),
            table.reused_from.is_(None),
        )
        query = select(table.number, table.__table__.c[cost], table.reward)
        return self._sample(Wanted(campaign_id, query, trained, cost, BEST_KEPT), points, cost)

    def sample_curves(self, campaign_id: str, numbers: Sequence[int], points: int) -> tuple[Curve, ...]:
        """The learning curve of each attempt at these trials, at `points` of its steps or a few more, by trial and
        attempt.

        Points are taken evenly, those with an AP and those without apart; the last of either kind is always there.
        """
        table = models.Measurement
        attempt = (table.trial, table.attempt)
        kind = (*attempt, table.values["ap"].as_float().is_not(None))
        measured = (
            select(
                *attempt,
                table.step,
                func.count().over(partition_by=attempt).label("of"),
                func.row_number().over(partition_by=kind, order_by=table.step.desc()).label("place"),
            )
            .where(table.campaign_id == campaign_id, table.trial.in_(list(numbers)))
            .subquery()
        )
        is_point = and_(*(table.__table__.c[name] == measured.c[name] for name in ("trial", "attempt", "step")))
        every = (measured.c.of + (points - 1)) // points
        query = (
            select(table, measured.c.of)
            .join(measured, and_(table.campaign_id == campaign_id, is_point))
            .where((measured.c.place - 1) % every == 0)
            .order_by(*attempt, table.step)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = [(measurement_record(row), of) for row, of in session.execute(query)]
        grouped = groupby(rows, key=lambda row: (row[0].trial, row[0].attempt))
        return tuple(_curve([(record, of) for record, of in members]) for _, members in grouped)

    def _sample(self, wanted: Wanted, points: int, cost: Cost | None) -> Sampled:
        key = (wanted.campaign_id, wanted.columns, points)
        kept = self._samples.find(key)
        with self._database.reading() as session:
            # Rows of columns need nothing of what a session does for objects, which takes longer than they do.
            record = session.connection()
            columns = models.Campaign.last_event, models.Campaign.baseline_reward
            event, reward = campaign_values(record, wanted.campaign_id, *columns)
            sample = kept if kept is not None and kept.event == event else None
            if kept is not None and kept.event < event <= kept.event + _MOST_EVENTS:
                numbers = _outcomes(record, wanted.campaign_id, kept.event, event)
                sample = kept.grown(wanted, new_rows(record, wanted, numbers), event, points)
            if sample is None:
                sample = take(record, wanted, event, points)
            spent = None if cost is None else _baseline_cost(record, wanted.campaign_id, cost)
        self._samples.keep(key, sample)
        return Sampled(sample.shown(), sample.of, reward, spent)


def _outcomes(record: Connection, campaign_id: str, after: int, until: int) -> list[int]:
    """The numbers of the trials whose outcome is one of these events."""
    table = models.Event
    numbers = select(table.data["number"].as_integer()).where(
        table.campaign_id == campaign_id,
        table.sequence > after,
        table.sequence <= until,
        table.kind.in_(EVENTS_OF_OUTCOMES),
    )
    return list(record.execute(numbers).scalars())


def _baseline_cost(record: Connection, campaign_id: str, cost: Cost) -> int | None:
    table = models.Trial
    found = select(table.__table__.c[cost]).where(table.campaign_id == campaign_id, table.number == BASELINE_TRIAL)
    return record.execute(found).scalar_one_or_none()


def _curve(members: list[tuple[MeasurementRecord, int]]) -> Curve:
    first, of = members[0]
    return Curve(first.trial, first.attempt, tuple(record for record, _ in members), of)
