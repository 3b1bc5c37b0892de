"""Documents of recorded campaigns, as the API sends them."""

from __future__ import annotations

from api.documents import CampaignDocument, TrialDocument
from nas_controller.store import Store
from tests.support.recorder import Recorder


def campaign_and_trials(store: Store, recorder: Recorder) -> tuple[CampaignDocument, list[TrialDocument]]:
    """The campaign and its trials, newest first."""
    page = store.reads.list_trials(recorder.id, order_by="-number")
    trials = [TrialDocument.model_validate(trial.to_dict()) for trial in page.items]
    return CampaignDocument.model_validate(recorder.record.to_dict()), trials
