"""Serialises trials for the service without parsing and validating them, since its responses can be long.

A JSON column is passed on as its text (`orjson.Fragment`), and times as the driver reads them: for a thousand trials
that saves most of the work. Only `as_json` can read such documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import JSON, ColumnElement, DateTime, Text, cast, select, type_coerce

from nas_controller.entities import AttemptDocument, CurvePoint, Document, TrialDocument
from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.mappers import trial_record
from nas_controller.store.records import Page
from nas_controller.store.row_lookup import find_trial, require_campaign
from nas_controller.store.trial_lists import best_of_trials, page_of_trials

JsonDocument = dict[str, Any]
"""A document for `as_json`."""


def as_json(document: Any) -> bytes:
    """The document as JSON, with times in UTC."""
    return orjson.dumps(document, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z)


class _RawDocuments:
    """A query for the fields of a document, and the conversion of its rows to documents."""

    def __init__(self, model: type[models.Base], document: type[Document]) -> None:
        columns = [model.__table__.columns[name] for name in document.document_fields()]
        self._names = document.document_fields()
        self._json_names = frozenset(column.name for column in columns if isinstance(column.type, JSON))
        self.query = select(*(_raw(column).label(column.name) for column in columns))

    def document(self, row: Sequence[Any]) -> JsonDocument:
        document = dict(zip(self._names, row, strict=True))
        for name in self._json_names:
            if document[name] is not None:
                document[name] = orjson.Fragment(document[name])
        return document


def _raw(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column as the driver reads it, without the conversion of its SQLAlchemy type."""
    if isinstance(column.type, JSON):
        return cast(column, Text)
    return type_coerce(column, DateTime(timezone=True)) if isinstance(column.type, models.UtcDateTime) else column


_TRIALS = _RawDocuments(models.Trial, TrialDocument)
_ATTEMPTS = _RawDocuments(models.Attempt, AttemptDocument)
_CURVE_POINTS = _RawDocuments(models.Measurement, CurvePoint)


class TrialDocuments:
    """Queries for documents. Each is one consistent read and raises as the query for the same records does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def trial_documents(
        self,
        campaign_id: str,
        state: str | None = None,
        order_by: str = "number",
        limit: int = 100,
        cursor: str | None = None,
        skip: int = 0,
    ) -> Page[JsonDocument]:
        """A page of trials. Raises as `trial_lists.page_of_trials`."""
        with self._database.reading() as session:
            page = page_of_trials(session, _TRIALS.query, campaign_id, state, order_by, limit, cursor, skip)
        return Page(tuple(_TRIALS.document(row) for row in page.items), page.next_cursor)

    def best_trial_documents(self, campaign_id: str, k: int = 1) -> list[JsonDocument]:
        """As `Queries.best_trials`."""
        with self._database.reading() as session:
            return [_TRIALS.document(row) for row in best_of_trials(session, _TRIALS.query, campaign_id, k)]

    def trial_document(self, campaign_id: str, number: int) -> JsonDocument:
        """As `Queries.get_trial`, with `attempts_made` and `curve` inside the trial."""
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            trial = find_trial(session, campaign_id, number)
            attempt, point = models.Attempt, models.Measurement
            attempts = _ATTEMPTS.query.where(attempt.campaign_id == campaign_id, attempt.trial == trial.number)
            curve = _CURVE_POINTS.query.where(point.campaign_id == campaign_id, point.trial == trial.number)
            return {
                **trial_record(trial).to_dict(),
                "attempts_made": [
                    _ATTEMPTS.document(row) for row in session.connection().execute(attempts.order_by(attempt.number))
                ],
                "curve": [
                    _CURVE_POINTS.document(row)
                    for row in session.connection().execute(curve.order_by(point.attempt, point.step))
                ],
            }
