"""The database of all campaigns, the only state of the service: SQLite by default, PostgreSQL for several machines.

The package has its tables, migrations, queries and writes.
"""

from __future__ import annotations

from nas_controller.store.campaign_deletions import Deletion
from nas_controller.store.campaign_lists import CampaignFilter
from nas_controller.store.errors import (
    ConflictError,
    LeaseLostError,
    NoMoreTrialsError,
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    StoreVersionError,
)
from nas_controller.store.exports import ExportRecord, ExportRequest
from nas_controller.store.jobs import JobWrites
from nas_controller.store.records import (
    Acceptance,
    AttemptRecord,
    CampaignPage,
    CampaignRecord,
    ControllerStateRecord,
    EventRecord,
    Lease,
    MeasurementRecord,
    Page,
    TrialDetail,
    TrialRecord,
)
from nas_controller.store.serialisation import as_json
from nas_controller.store.store import Store, sqlite_url
from nas_controller.store.trainings import TrainingRecord, TrainingRequest
from nas_controller.store.trial_durations import Span

__all__ = [
    "Acceptance",
    "AttemptRecord",
    "CampaignFilter",
    "CampaignPage",
    "CampaignRecord",
    "ConflictError",
    "ControllerStateRecord",
    "Deletion",
    "EventRecord",
    "ExportRecord",
    "ExportRequest",
    "JobWrites",
    "Lease",
    "LeaseLostError",
    "MeasurementRecord",
    "NoMoreTrialsError",
    "NotFoundError",
    "Page",
    "Span",
    "Store",
    "StoreError",
    "StoreFullError",
    "StoreUnavailableError",
    "StoreVersionError",
    "TrainingRecord",
    "TrainingRequest",
    "TrialDetail",
    "TrialRecord",
    "as_json",
    "sqlite_url",
]
