"""Downsamples trials for figures in the database, so that memory is bounded by the requested number of points.

A sample has every k-th trial, so it is dense where trials are dense, and the trials that a figure must not miss. Of
rewards and costs, the database counts and compares the rest in a covering index (`ix_trials_campaign_id_reward`).

A store caches each sample with the event that it is valid for. An outcome never changes and has its own event, so a
cached sample is updated with the outcomes since (`incremental_samples.Sample.updated`): following a running campaign
does not scan it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from sqlalchemy import Connection, and_, func, select

from nas_controller.caches import LruCache
from nas_controller.states import BASELINE_TRIAL, EVENTS_OF_OUTCOMES
from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.incremental_samples import Row, Sample, SampleQuery, rows_of, sample_all
from nas_controller.store.mappers import measurement_record
from nas_controller.store.records import MeasurementRecord
from nas_controller.store.row_lookup import campaign_values, require_campaign

BEST_TRIALS = 20
MAX_CACHED_ROWS = 100_000
"""The limit over all cached samples of a store; about 20 MB."""
_MAX_EVENTS = 5_000

Cost = Literal["madds", "params", "latency_ratio"]


class Sampled(NamedTuple):
    """A sample of `of` rows, by number; the reward of the uniform baseline, if it was trained, and its cost, if the
    rows have one and it has begun. All rows whose number is a multiple of `stride` are in it.
    """

    rows: tuple[Row, ...]
    of: int
    baseline_reward: float | None
    baseline_cost: float | None
    stride: int = 1

    @property
    def even_rows(self) -> tuple[Row, ...]:
        """The rows whose number is a multiple of `stride`, without those that were added for their rewards."""
        return tuple(row for row in self.rows if row[0] % self.stride == 0)


class Curve(NamedTuple):
    """Measurements of an attempt, downsampled from `of` steps."""

    trial: int
    attempt: int
    points: tuple[MeasurementRecord, ...]
    of: int


class Downsampling:
    """Queries for samples. All raise NotFoundError for the campaign, and StoreUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._samples: LruCache[Sample] = LruCache(MAX_CACHED_ROWS, Sample.size)

    def sample_rewards(self, campaign_id: str, points: int) -> Sampled:
        """(number, reward, reused_from, state) of at most `points` trials with an outcome and, in addition, of every
        trial that was better than all before it.
        """
        table = models.Trial
        finished = and_(table.campaign_id == campaign_id, table.reward.is_not(None))
        query = select(table.number, table.reward, table.reused_from, table.state)
        return self._sample(SampleQuery(campaign_id, query, finished, "number", 0), points, None)

    def sample_costs(self, campaign_id: str, cost: Cost, points: int) -> Sampled:
        """(number, cost, reward) of at most `points` trained trials with this cost and, in addition, of the BEST_TRIALS
        best and of the Pareto front: those that no other exceeds in reward at the same or a smaller cost.
        """
        table, column = models.Trial, models.Trial.__table__.c[cost]
        trained = and_(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reward.is_not(None),
            table.reused_from.is_(None),
            column.is_not(None),
        )
        query = select(table.number, column, table.reward)
        return self._sample(SampleQuery(campaign_id, query, trained, cost, BEST_TRIALS), points, cost)

    def sample_choices(self, campaign_id: str, points: int) -> Sampled:
        """(number, choices, reward) of at most `points` trained trials that were sampled and, in addition, of the
        BEST_TRIALS best and of every trial that was better than all before it; without trials that stopped early, whose
        rewards are not comparable. Choices are indices of multipliers, one for each searched block.
        """
        table = models.Trial
        sampled = and_(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reward.is_not(None),
            table.reused_from.is_(None),
            table.stopped_early_step.is_(None),
            table.number != BASELINE_TRIAL,
        )
        query = select(table.number, table.choices, table.reward)
        return self._sample(SampleQuery(campaign_id, query, sampled, "number", BEST_TRIALS), points, None)

    def sample_curves(self, campaign_id: str, numbers: Sequence[int], points: int) -> tuple[Curve, ...]:
        """The learning curve of each attempt at these trials, downsampled to about `points` steps, by trial and
        attempt.

        Points with an AP and those without are downsampled separately; the last of either kind is always kept.
        """
        table = models.Measurement
        attempt = (table.trial, table.attempt)
        kind = (*attempt, table.values["ap"].as_float().is_not(None))
        measured = (
            select(
                *attempt,
                table.step,
                func.count().over(partition_by=attempt).label("of"),
                func.row_number().over(partition_by=kind, order_by=table.step.desc()).label("position"),
            )
            .where(table.campaign_id == campaign_id, table.trial.in_(list(numbers)))
            .subquery()
        )
        is_point = and_(*(table.__table__.c[name] == measured.c[name] for name in ("trial", "attempt", "step")))
        every = (measured.c.of + (points - 1)) // points
        query = (
            select(table, measured.c.of)
            .join(measured, and_(table.campaign_id == campaign_id, is_point))
            .where((measured.c.position - 1) % every == 0)
            .order_by(*attempt, table.step)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = [(measurement_record(row), of) for row, of in session.execute(query)]
        grouped = groupby(rows, key=lambda row: (row[0].trial, row[0].attempt))
        return tuple(_curve([(record, of) for record, of in members]) for _, members in grouped)

    def _sample(self, query: SampleQuery, points: int, cost: Cost | None) -> Sampled:
        key = (query.campaign_id, query.columns, points)
        cached = self._samples.get(key)
        with self._database.reading() as session:
            # Core rows: a session's tracking of objects takes longer than these queries.
            connection = session.connection()
            columns = models.Campaign.last_event, models.Campaign.baseline_reward
            event, reward = campaign_values(connection, query.campaign_id, *columns)
            sample = cached if cached is not None and cached.event == event else None
            if cached is not None and cached.event < event <= cached.event + _MAX_EVENTS:
                numbers = _outcomes(connection, query.campaign_id, cached.event, event)
                sample = cached.updated(query, rows_of(connection, query, numbers), event, points)
            if sample is None:
                sample = sample_all(connection, query, event, points)
            baseline_cost = None if cost is None else _baseline_cost(connection, query.campaign_id, cost)
        self._samples.put(key, sample)
        return Sampled(sample.rows(), sample.of, reward, baseline_cost, sample.stride)


def _outcomes(connection: Connection, campaign_id: str, after: int, until: int) -> list[int]:
    """The numbers of the trials whose outcome is one of these events."""
    table = models.Event
    numbers = select(table.data["number"].as_integer()).where(
        table.campaign_id == campaign_id,
        table.sequence > after,
        table.sequence <= until,
        table.kind.in_(EVENTS_OF_OUTCOMES),
    )
    return list(connection.execute(numbers).scalars())


def _baseline_cost(connection: Connection, campaign_id: str, cost: Cost) -> float | None:
    table = models.Trial
    query = select(table.__table__.c[cost]).where(table.campaign_id == campaign_id, table.number == BASELINE_TRIAL)
    return connection.execute(query).scalar_one_or_none()


def _curve(members: list[tuple[MeasurementRecord, int]]) -> Curve:
    first, of = members[0]
    return Curve(first.trial, first.attempt, tuple(record for record, _ in members), of)
