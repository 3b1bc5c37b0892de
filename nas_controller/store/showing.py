"""Trials as the service shows them: long answers, which go from the record to the wire as they are.

What a table keeps as JSON is passed on as that text (`orjson.Fragment`), not parsed and written again: of a thousand
trials, that is most of the work. Such documents are for `orjson.dumps`, which also writes their times.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import JSON, ColumnElement, Row, Text, cast, select

from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.reading import best_of_trials, find_campaign, find_trial, page_of_trials
from nas_controller.store.records import (
    SHOWN_OF_A_MEASUREMENT,
    SHOWN_OF_A_TRIAL,
    SHOWN_OF_AN_ATTEMPT,
    Page,
)
from nas_controller.store.translation import trial_record

Shown = dict[str, Any]
"""A document for `orjson.dumps`."""


class _Table:
    """The columns of a table that are shown, and how a row of them is."""

    def __init__(self, model: type[models.Base], names: tuple[str, ...]) -> None:
        columns = [model.__table__.columns[name] for name in names]
        self._names = names
        self._texts = frozenset(column.name for column in columns if isinstance(column.type, JSON))
        shown: list[ColumnElement[Any]] = [
            cast(column, Text).label(column.name) if column.name in self._texts else column for column in columns
        ]
        self.query = select(*shown)

    def document(self, row: Row[Any]) -> Shown:
        shown = dict(zip(self._names, row, strict=True))
        for name in self._texts:
            if shown[name] is not None:
                shown[name] = orjson.Fragment(shown[name])
        return shown


_TRIALS = _Table(models.Trial, SHOWN_OF_A_TRIAL)
_ATTEMPTS = _Table(models.Attempt, SHOWN_OF_AN_ATTEMPT)
_MEASUREMENTS = _Table(models.Measurement, SHOWN_OF_A_MEASUREMENT)


class Showing:
    """Queries for answers of the service. Each is one consistent read, as in `Reading`, and raises as the one there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def show_trials(
        self,
        campaign_id: str,
        state: str | None = None,
        order_by: str = "number",
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page[Shown]:
        """As `Reading.list_trials`."""
        with self._database.reading() as session:
            page = page_of_trials(session, _TRIALS.query, campaign_id, state, order_by, limit, cursor)
        return Page(tuple(_TRIALS.document(row) for row in page.items), page.next_cursor)

    def show_best(self, campaign_id: str, k: int = 1) -> list[Shown]:
        """As `Reading.best_trials`."""
        with self._database.reading() as session:
            return [_TRIALS.document(row) for row in best_of_trials(session, _TRIALS.query, campaign_id, k)]

    def show_trial(self, campaign_id: str, number: int) -> Shown:
        """As `Reading.get_trial`, with `attempts_made` and `curve` inside the trial."""
        with self._database.reading() as session:
            find_campaign(session, campaign_id)
            trial = find_trial(session, campaign_id, number)
            attempt, point = models.Attempt, models.Measurement
            attempts = _ATTEMPTS.query.where(attempt.campaign_id == campaign_id, attempt.trial == trial.number)
            curve = _MEASUREMENTS.query.where(point.campaign_id == campaign_id, point.trial == trial.number)
            return {
                **trial_record(trial).to_dict(),
                "attempts_made": [
                    _ATTEMPTS.document(row) for row in session.execute(attempts.order_by(attempt.number))
                ],
                "curve": [
                    _MEASUREMENTS.document(row) for row in session.execute(curve.order_by(point.attempt, point.step))
                ],
            }
