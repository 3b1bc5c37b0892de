"""The durations of trials, finals and shared trainings of earlier campaigns, from the time when a worker began them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from nas_controller.entities import SharedTrainingDocument
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.store import models
from nas_controller.store.database import Database
from nas_controller.store.stored_specifications import read_specification

_NEWEST_CAMPAIGNS = 500
_MAX_TRIALS = 500


class Span(NamedTuple):
    """A trial or final with a reward: its campaign, when the worker of its last attempt began and it ended, its
    attempts, and whether early stopping ended it.
    """

    campaign: str
    began: datetime
    ended: datetime
    attempts: int
    stopped_early: bool

    @property
    def seconds(self) -> float:
        """The duration of its last attempt."""
        return (self.ended - self.began).total_seconds()


class TrialDurations:
    """Queries over completed trials, finals and shared trainings.

    Raise StoreUnavailableError when the database is unavailable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def trial_spans(self, is_similar: Callable[[CampaignSpec], bool]) -> list[Span]:
        """The newest trained trials with a reward, in those of the newest campaigns whose document `is_similar`."""
        table = models.Trial
        return self._spans(table, is_similar, (table.number.desc(),), table.stopped_early_step.is_not(None))

    def final_spans(self, is_similar: Callable[[CampaignSpec], bool]) -> list[Span]:
        """The newest finals that had their reward in one attempt, as `trial_spans`."""
        table = models.Final
        return self._spans(table, is_similar, (table.seed.desc(), table.trial.desc()), false(), table.attempts == 1)

    def shared_trainings(
        self, is_similar: Callable[[CampaignSpec], bool]
    ) -> list[tuple[CampaignSpec, SharedTrainingDocument]]:
        """The shared trainings that one attempt has completed, of those of the newest campaigns whose document
        `is_similar`, with these; newest first.
        """
        table = models.Campaign
        newest = (
            select(table.spec, table.spec_version, table.shared_training)
            .where(table.shared_training.is_not(None))
            .order_by(table.id.desc())
            .limit(_NEWEST_CAMPAIGNS)
        )
        with self._database.reading() as session:
            rows = session.execute(newest).all()
        found = [
            (read_specification(spec, version), SharedTrainingDocument.model_validate(training))
            for spec, version, training in rows
        ]
        return [
            (spec, training)
            for spec, training in found
            if training.state == "completed" and training.attempts == 1 and is_similar(spec)
        ]

    def _spans(
        self,
        table: type[models.Trial | models.Final],
        is_similar: Callable[[CampaignSpec], bool],
        order: tuple[ColumnElement[Any], ...],
        stopped_early: ColumnElement[bool],
        *conditions: ColumnElement[bool],
    ) -> list[Span]:
        with self._database.reading() as session:
            newest = (
                select(table.campaign_id, table.worker_started_at, table.finished_at, table.attempts, stopped_early)
                .where(
                    table.campaign_id.in_(_similar_campaigns(session, is_similar)),
                    table.state == "completed",
                    table.worker_started_at.is_not(None),
                    *conditions,
                )
                .order_by(table.campaign_id.desc(), *order)
                .limit(_MAX_TRIALS)
            )
            rows = session.execute(newest)
            return [Span(*row) for row in rows if row.finished_at is not None]  # type: ignore[arg-type]


def _similar_campaigns(session: Session, is_similar: Callable[[CampaignSpec], bool]) -> list[str]:
    """The ids of those of the newest campaigns whose document is similar."""
    newest = (
        select(models.Campaign.id, models.Campaign.spec, models.Campaign.spec_version)
        .where(models.Campaign.trials_finished > 0)
        .order_by(models.Campaign.id.desc())
        .limit(_NEWEST_CAMPAIGNS)
    )
    documents = session.execute(newest).all()
    return [campaign_id for campaign_id, spec, version in documents if is_similar(read_specification(spec, version))]
