"""Documents, records and tables have the same fields."""

from __future__ import annotations

import pytest

from nas_controller import entities
from nas_controller.store import models, records
from nas_controller.store.api_keys import KeyRecord
from nas_controller.store.supervisors import SupervisorRecord


@pytest.mark.parametrize(
    ("document", "record", "model", "computed"),
    [
        (entities.CampaignDocument, records.CampaignRecord, models.Campaign, set()),
        (entities.TrialDocument, records.TrialRecord, models.Trial, set()),
        (entities.AttemptDocument, records.AttemptRecord, models.Attempt, set()),
        (entities.CurvePoint, records.MeasurementRecord, models.Measurement, set()),
        (entities.EventDocument, records.EventRecord, models.Event, set()),
        (entities.KeyDocument, KeyRecord, models.ApiKey, set()),
        (entities.SupervisorDocument, SupervisorRecord, models.Supervisor, {"is_alive"}),
    ],
)
def test_a_record_has_the_fields_of_its_document_and_columns_for_all(
    document: type[entities.Document], record: type[entities.Document], model: type[models.Base], computed: set[str]
) -> None:
    assert record.document_fields() == document.document_fields() == tuple(document.model_fields)
    assert set(record.model_fields) - computed <= set(model.__table__.columns.keys())
