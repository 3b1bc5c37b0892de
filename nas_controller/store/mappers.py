"""Maps rows of the tables to records."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any, Literal, TypeVar, cast

from sqlalchemy import Row

from nas_controller.entities import Document
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import CampaignState
from nas_controller.store import models
from nas_controller.store.records import (
    Acceptance,
    AttemptRecord,
    CampaignRecord,
    EventRecord,
    MeasurementRecord,
    TrialRecord,
)

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


@lru_cache(maxsize=1_024)
def _spec(text: str) -> CampaignSpec:
    """The specification in a stored document, parsed once per text.

    Parsing builds the search space, which takes 10 ms: too long for each campaign of a list. Specifications are
    frozen, so callers may share one.
    """
    return CampaignSpec.model_validate(json.loads(text))


def campaign_record(row: models.Campaign) -> CampaignRecord:
    """The record of a campaign's row."""
    return record_of(CampaignRecord, row, spec=_spec(json.dumps(row.spec)))


def trial_record(row: models.Trial | Row[Any]) -> TrialRecord:
    """The record of a trial's row: a mapped object, or a plain row with all columns."""
    return record_of(TrialRecord, row)


def acceptance(
    outcome: Literal["accepted", "duplicate", "late"], campaign: models.Campaign, trial: models.Trial
) -> Acceptance:
    """The result of accepting an outcome of the trial, after its rows were changed."""
    return Acceptance(outcome, trial_record(trial), cast(CampaignState, campaign.state))


def attempt_record(row: models.Attempt) -> AttemptRecord:
    """The record of an attempt's row."""
    return record_of(AttemptRecord, row)


def measurement_record(row: Row[Any]) -> MeasurementRecord:
    """The record of a measurement's row."""
    return record_of(MeasurementRecord, row)


def event_record(row: Row[Any]) -> EventRecord:
    """The record of an event's row."""
    return record_of(EventRecord, row)
