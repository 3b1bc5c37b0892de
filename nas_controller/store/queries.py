"""Queries for records. Every method is one consistent read that never blocks a writer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from nas_controller.states import CLAIMED_VERSIONS
from nas_controller.store import models
from nas_controller.store.cursors import checked_limit
from nas_controller.store.database import Database
from nas_controller.store.mappers import (
    attempt_record,
    campaign_record,
    event_record,
    measurement_record,
    trial_record,
)
from nas_controller.store.records import (
    CampaignRecord,
    ControllerStateRecord,
    EventRecord,
    TrialDetail,
    TrialRecord,
)
from nas_controller.store.row_lookup import bounded, find_campaign, find_trial, no_trial, require_campaign, valid_id
from nas_controller.store.trial_lists import best_of_trials

# Core rows: objects that a session tracks take several times as long.
_TRIALS = select(*models.Trial.__table__.columns)


class Queries:
    """Queries. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_campaign(self, campaign_id: str) -> CampaignRecord:
        """The campaign. Raises NotFoundError."""
        with self._database.reading() as session:
            return campaign_record(find_campaign(session, campaign_id))

    def campaigns_named(self, name: str, limit: int) -> tuple[str, ...]:
        """The ids of the newest campaigns of this name, newest first, at most `limit`."""
        query = select(models.Campaign.id).where(models.Campaign.name == name)
        with self._database.reading() as session:
            return tuple(session.scalars(query.order_by(models.Campaign.id.desc()).limit(limit)))

    def get_trial(self, campaign_id: str, number: int) -> TrialDetail:
        """A trial with its attempts and its learning curve. Raises NotFoundError."""
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            trial = find_trial(session, campaign_id, number)
            attempts = session.scalars(
                select(models.Attempt)
                .where(models.Attempt.campaign_id == campaign_id, models.Attempt.trial == number)
                .order_by(models.Attempt.number)
            ).all()
            curve = session.execute(
                select(*models.Measurement.__table__.columns)
                .where(models.Measurement.campaign_id == campaign_id, models.Measurement.trial == number)
                .order_by(models.Measurement.attempt, models.Measurement.step)
            )
            return TrialDetail(
                trial_record(trial),
                tuple(attempt_record(row) for row in attempts),
                tuple(measurement_record(row) for row in curve),
            )

    def get_trial_record(self, campaign_id: str, number: int) -> TrialRecord:
        """A trial without attempts and learning curve. Raises NotFoundError."""
        table = models.Trial
        query = _TRIALS.where(table.campaign_id == valid_id(campaign_id), table.number == bounded(number))
        with self._database.reading() as session:
            row = session.connection().execute(query).one_or_none()
            if row is None:
                require_campaign(session, campaign_id)
                raise no_trial(campaign_id, number)
        return trial_record(row)

    def latest_trained(self, campaign_id: str, count: int) -> tuple[int, ...]:
        """The numbers of the latest trials that are not repeats, latest first. Raises NotFoundError."""
        table = models.Trial
        query = select(table.number).where(table.campaign_id == campaign_id, table.reused_from.is_(None))
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple(session.scalars(query.order_by(table.number.desc()).limit(count)))

    def newest_rewards(self, campaign_id: str, count: int) -> list[tuple[int, list[int], float]]:
        """Number, widths and reward of the newest completed trials, newest first, at most `count`: without repeats and
        trials that stopped early, whose rewards are not comparable.
        """
        table = models.Trial
        query = select(table.number, table.widths, table.reward).where(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reused_from.is_(None),
            table.stopped_early_step.is_(None),
        )
        with self._database.reading() as session:
            rows = session.execute(query.order_by(table.number.desc()).limit(count)).all()
        return [(number, widths, reward) for number, widths, reward in rows if reward is not None]

    def count_architectures(self, campaign_id: str) -> int:
        """The number of architectures with a reward: of completed trials that are not repeats. Raises NotFoundError."""
        table = models.Trial
        query = select(func.count()).where(
            table.campaign_id == campaign_id,
            table.state == "completed",
            table.reward.is_not(None),
            table.reused_from.is_(None),
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return session.execute(query).scalar_one()

    def best_trials(self, campaign_id: str, k: int = 1) -> tuple[TrialRecord, ...]:
        """The k completed trials with the highest rewards, each architecture once; among equals, the earlier first.

        Raises NotFoundError, and InvalidValueError for k outside 1 to 1,000.
        """
        with self._database.reading() as session:
            return tuple(trial_record(row) for row in best_of_trials(session, _TRIALS, campaign_id, k))

    def events_after(self, campaign_id: str, sequence: int = 0, limit: int = 100) -> tuple[EventRecord, ...]:
        """Up to `limit` events later than `sequence`, oldest first; empty when there are none yet.

        Raises NotFoundError, and InvalidValueError for a limit outside 1 to 1,000.
        """
        query = (
            select(*models.Event.__table__.columns)
            .where(models.Event.campaign_id == campaign_id, models.Event.sequence > bounded(sequence))
            .order_by(models.Event.sequence)
            .limit(checked_limit(limit))
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple(event_record(row) for row in session.connection().execute(query))

    def count_events(self, campaign_id: str, kind: str, since: Sequence[str], facts: Mapping[str, Any]) -> int:
        """How many events of a kind, with these facts in their data, came after the latest event of the kinds `since`.

        Raises NotFoundError.
        """
        table = models.Event
        latest = select(func.max(table.sequence)).where(table.campaign_id == campaign_id, table.kind.in_(since))
        query = select(table.data).where(
            table.campaign_id == campaign_id,
            table.kind == kind,
            table.sequence > func.coalesce(latest.scalar_subquery(), 0),
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return sum(facts.items() <= data.items() for data in session.scalars(query))

    def versions_of(self, campaign_id: str, before: datetime | None = None) -> dict[str, str]:
        """The versions of the software that ran the campaign then, or runs it now, by the runner's claim.

        Empty where the record does not have them, as for campaigns of earlier versions. Raises StoreUnavailableError.
        """
        table = models.Event
        query = select(table.data).where(table.campaign_id == campaign_id, table.kind == "campaign.claimed")
        if before is not None:
            query = query.where(table.at <= before)
        with self._database.reading() as session:
            data = session.scalars(query.order_by(table.sequence.desc()).limit(1)).first() or {}
        return {name: data[name] for name in CLAIMED_VERSIONS if name in data}

    def controller_state(self, campaign_id: str) -> ControllerStateRecord | None:
        """The controller after the latest reward, or None before the first. Raises NotFoundError."""
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            row = session.get(models.ControllerState, campaign_id)
        if row is None:
            return None
        return ControllerStateRecord(campaign_id, row.sequence, row.digest, json.loads(row.state))

    def controller_digest(self, campaign_id: str) -> str | None:
        """The digest of `controller_state`, without reading the state. Raises NotFoundError."""
        table = models.ControllerState
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return session.scalar(select(table.digest).where(table.campaign_id == campaign_id))

    def trial_columns(self, campaign_id: str, *names: str) -> dict[str, list[Any]]:
        """Whole columns of the trials table, by trial number: `{"number": [0, 1], "reward": [0.1, None]}`.

        For resuming and for replays, without building records. Raises NotFoundError, and KeyError for an unknown
        column.
        """
        query = (
            select(*(models.Trial.__table__.columns[name] for name in names))
            .where(models.Trial.campaign_id == campaign_id)
            .order_by(models.Trial.number)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            rows = session.execute(query).all()
        return {name: [row[index] for row in rows] for index, name in enumerate(names)}

    def intermediate_aps(self, campaign_id: str) -> tuple[tuple[int, int, float], ...]:
        """Every (trial, step, AP) measured during training, by trial, attempt and step.

        Raises NotFoundError.
        """
        table = models.Measurement
        ap = table.values["ap"].as_float()
        query = (
            select(table.trial, table.step, table.values)
            .where(table.campaign_id == campaign_id, ap.is_not(None))
            .order_by(table.trial, table.attempt, table.step)
        )
        with self._database.reading() as session:
            require_campaign(session, campaign_id)
            return tuple((trial, step, values["ap"]) for trial, step, values in session.execute(query))
