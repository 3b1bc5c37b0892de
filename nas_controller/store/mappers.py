"""Maps rows of the tables to records."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, TypeVar, cast

from sqlalchemy import Row

from nas_controller.entities import Document, FinalRunDocument, FinalsDocument, SharedTrainingDocument
from nas_controller.states import FINISHED_CAMPAIGN_STATES, CampaignState
from nas_controller.store import models
from nas_controller.store.records import (
    Acceptance,
    AttemptRecord,
    CampaignRecord,
    EventRecord,
    MeasurementRecord,
    TrialRecord,
)
from nas_controller.store.stored_specifications import read_specification

Record = TypeVar("Record", bound=Document)


def record_of(kind: type[Record], row: models.Base | Row[Any], **computed: Any) -> Record:
    """The record of a row, whose columns have the names of the record's fields; `computed` are fields without a column.

    Nothing is validated again: rows were validated when they were written.
    """
    values = {
        name: tuple(value) if isinstance(value := getattr(row, name), list) else value
        for name in _fields(kind)
        if name not in computed
    }
    return kind.model_construct(None, **values, **computed)


@cache
def _fields(kind: type[Document]) -> tuple[str, ...]:
    return tuple(kind.model_fields)


def campaign_record(row: models.Campaign) -> CampaignRecord:
    """The record of a campaign's row."""
    shared = row.shared_training
    return record_of(
        CampaignRecord,
        row,
        spec=read_specification(row.spec, row.spec_version),
        shared_training=None if shared is None else SharedTrainingDocument.model_validate(shared),
        finals=None if row.finals is None else FinalsDocument.model_validate(row.finals),
    )


def trial_record(row: models.Trial | Row[Any]) -> TrialRecord:
    """The record of a trial's row: a mapped object, or a plain row with all columns."""
    return record_of(TrialRecord, row)


def acceptance(
    outcome: Literal["accepted", "duplicate", "late"], campaign: models.Campaign, trial: models.Trial
) -> Acceptance:
    """The result of accepting an outcome of the trial, after its rows were changed."""
    search_is_over = campaign.state in FINISHED_CAMPAIGN_STATES or is_in_finals(campaign)
    return Acceptance(outcome, trial_record(trial), cast(CampaignState, campaign.state), search_is_over)


def is_in_finals(campaign: models.Campaign) -> bool:
    """Whether the finals of a campaign are running, so that its search is over."""
    return campaign.finals is not None and campaign.finals["state"] == "running"


def final_run(row: models.Final) -> FinalRunDocument:
    """The document of a training of the finals."""
    return record_of(FinalRunDocument, row)


def attempt_record(row: models.Attempt) -> AttemptRecord:
    """The record of an attempt's row."""
    return record_of(AttemptRecord, row)


def measurement_record(row: Row[Any]) -> MeasurementRecord:
    """The record of a measurement's row."""
    return record_of(MeasurementRecord, row)


def event_record(row: Row[Any]) -> EventRecord:
    """The record of an event's row."""
    return record_of(EventRecord, row)
