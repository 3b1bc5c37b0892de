"""Documents of recorded campaigns, as the API sends them."""

from __future__ import annotations

from api.documents import CampaignDocument, TrialDocument
from nas_controller.store import Store
from tests.support.recorder import Recorder
from tests.support.trials import trials_of


def campaign_and_trials(store: Store, recorder: Recorder) -> tuple[CampaignDocument, list[TrialDocument]]:
    """The campaign and its trials, newest first."""
    records = trials_of(store, recorder.id, order_by="-number")
    trials = [TrialDocument.model_validate(trial.to_dict()) for trial in records]
    return CampaignDocument.model_validate(recorder.record.to_dict()), trials
