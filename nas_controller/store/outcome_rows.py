"""The outcomes of a campaign in the order in which its controller learned from them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, select

from nas_controller.states import EVENTS_OF_OUTCOMES
from nas_controller.store import models
from nas_controller.store.cursors import checked_limit
from nas_controller.store.database import Database
from nas_controller.store.row_lookup import bounded, require_campaign


class OutcomeRow(NamedTuple):
    """The outcome of a trial, recorded by the event `sequence`. `choices` are None for the baseline."""

    sequence: int
    number: int
    choices: list[int] | None
    log_probability: float | None
    reward: float
    failed: bool
    latency_ratio: float | None
    params: int


class OutcomeQuery:
    """The query. Raises StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def outcomes_after(self, campaign_id: str, sequence: int = 0, limit: int = 1_000) -> list[OutcomeRow]:
        """Up to `limit` outcomes of events later than `sequence`, in their order.

        Raises NotFoundError, and InvalidValueError for a limit outside 1 to 1,000.
        """
        event, trial = models.Event, models.Trial
        number = event.data["number"].as_integer()
        query = (
            select(
                event.sequence, trial.number, trial.choices, trial.log_probability, trial.reward,
                trial.state == "failed", trial.latency_ratio, trial.params,
            )
            .join(trial, and_(trial.campaign_id == event.campaign_id, trial.number == number))
            .where(
                event.campaign_id == campaign_id,
                event.sequence > bounded(sequence),
                event.kind.in_(EVENTS_OF_OUTCOMES),
            )
            .order_by(event.sequence)
            .limit(checked_limit(limit))
        )  # fmt: skip
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = session.connection().execute(query).all()
        return [
            OutcomeRow(sequence, trial_number, choices, log_probability, reward, bool(failed), latency_ratio, params)
            for sequence, trial_number, choices, log_probability, reward, failed, latency_ratio, params in rows
            if reward is not None
        ]
