"""Rows of the tables as the records that callers see."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Literal, cast

from sqlalchemy import Row

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import AttemptState, CampaignState, PauseMode, StopReason, TrialState
from nas_controller.store import models
from nas_controller.store.campaign_ids import attempt_id
from nas_controller.store.records import (
    Acceptance,
    AttemptRecord,
    CampaignRecord,
    EventRecord,
    MeasurementRecord,
    TrialRecord,
)


@lru_cache(maxsize=1_024)
def _spec(text: str) -> CampaignSpec:
    """The specification that a stored document stands for, checked again: once for each text.

    What a text is found to be depends on nothing else, and specifications are frozen, so all who ask may share one.
    Checking builds the search space, which takes 10 ms: too long for each campaign of a list.
    """
    return CampaignSpec.model_validate(json.loads(text))


def campaign_record(row: models.Campaign) -> CampaignRecord:
    """The record of a campaign's row."""
    return CampaignRecord(
        id=row.id,
        name=row.name,
        state=cast(CampaignState, row.state),
        spec=_spec(json.dumps(row.spec)),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        trials_begun=row.trials_begun,
        trials_finished=row.trials_finished,
        baseline_reward=row.baseline_reward,
        best_reward=row.best_reward,
        best_trial=row.best_trial,
        last_event=row.last_event,
        pause_mode=cast(PauseMode | None, row.pause_mode),
        paused_at=row.paused_at,
        paused_seconds=row.paused_seconds,
        device_seconds=row.device_seconds,
        stopped_because=cast(StopReason | None, row.stopped_because),
    )


def trial_record(row: models.Trial | Row[Any]) -> TrialRecord:
    """The record of a trial's row, as an object or plain with all columns."""
    return TrialRecord(
        campaign_id=row.campaign_id,
        number=row.number,
        state=cast(TrialState, row.state),
        reward=row.reward,
        choices=None if row.choices is None else tuple(row.choices),
        log_probability=row.log_probability,
        betas=tuple(row.betas),
        alphas=tuple(row.alphas),
        widths=tuple(row.widths),
        madds=row.madds,
        params=row.params,
        madds_ratio=row.madds_ratio,
        attempts=row.attempts,
        reused_from=row.reused_from,
        metrics=row.metrics,
        error=row.error,
        error_kind=row.error_kind,
        progress_step=row.progress_step,
        progress_total=row.progress_total,
        progress_ap=row.progress_ap,
        stopped_early_step=row.stopped_early_step,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def acceptance(
    outcome: Literal["accepted", "duplicate", "late"], campaign: models.Campaign, trial: models.Trial
) -> Acceptance:
    """What became of an outcome of the trial, after the rows were changed."""
    return Acceptance(outcome, trial_record(trial), cast(CampaignState, campaign.state))


def attempt_record(row: models.Attempt) -> AttemptRecord:
    """The record of an attempt's row."""
    return AttemptRecord(
        id=attempt_id(row.campaign_id, row.trial, row.number),
        campaign_id=row.campaign_id,
        trial=row.trial,
        number=row.number,
        state=cast(AttemptState, row.state),
        epoch=row.epoch,
        reward=row.reward,
        metrics=row.metrics,
        error=row.error,
        error_kind=row.error_kind,
        log_tail=row.log_tail,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def measurement_record(row: Row[Any]) -> MeasurementRecord:
    """The record of a measurement's row."""
    return MeasurementRecord(trial=row.trial, attempt=row.attempt, step=row.step, at=row.at, values=row.values)


def event_record(row: models.Event) -> EventRecord:
    """The record of an event's row."""
    return EventRecord(campaign_id=row.campaign_id, sequence=row.sequence, at=row.at, kind=row.kind, data=row.data)
