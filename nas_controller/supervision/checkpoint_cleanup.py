"""Removes checkpoints that are no longer needed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from nas_controller.execution.trial_checkpoints import campaigns_with_checkpoints, remove_campaign_directory
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from nas_controller.store import NotFoundError, Store


def remove_finished(store: Store, data_dir: Path) -> None:
    """Removes the checkpoints of finished campaigns, left for example by a runner that was killed after the last trial.

    Raises StoreUnavailableError.
    """
    for campaign_id in campaigns_with_checkpoints(data_dir):
        with suppress(NotFoundError):  # a campaign of another database, which may not have finished
            if store.reads.get_campaign(campaign_id).state in FINISHED_CAMPAIGN_STATES:
                remove_campaign_directory(data_dir, campaign_id)
