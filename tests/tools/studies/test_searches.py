"""The row of a search: the processor seconds of its shared training and of its trials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.documents import CampaignDocument
from nas_controller.store import Store, sqlite_url
from tests.support.begun_trials import claimed
from tools.studies.searches import SearchPlan, _search_row

SEARCH = SearchPlan("reinforce", "reinforce", "digits", "digits", 1)
SHARED_SECONDS, TRIAL_SECONDS, PARALLELISM = 100.0, 900.0, 2


@pytest.mark.parametrize(("devices", "counted"), [(2.0, 2.0), (None, 1.0)])
def test_the_shared_training_counts_once_for_all_its_processors_in_records_of_any_version(
    tmp_path: Path, devices: float | None, counted: float
) -> None:
    store = Store.open(sqlite_url(tmp_path / "effspine.db"))
    lease = claimed(store)
    store.runner.start_shared_training(lease, 20, 2.0)
    record = store.reads.get_campaign(lease.campaign_id)
    store.close()
    began = datetime(2026, 1, 1, tzinfo=UTC)
    fields: dict[str, Any] = record.model_dump() | {
        "state": "completed",
        "started_at": began,
        "finished_at": began + timedelta(seconds=600),
        "device_seconds": TRIAL_SECONDS + counted * SHARED_SECONDS,
        "spec": {"parallelism": PARALLELISM},
    }
    fields["shared_training"] |= {"seconds": SHARED_SECONDS, "devices": devices}
    row = _search_row(SEARCH, CampaignDocument.model_validate(fields))
    assert (row.shared_seconds, row.trial_seconds) == (PARALLELISM * SHARED_SECONDS, TRIAL_SECONDS)
