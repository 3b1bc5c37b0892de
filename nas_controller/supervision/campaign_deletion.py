"""Deletes campaigns with their files: checkpoints, detectors of finals, exports and logs.

Shared weights in the cache stay, since other campaigns use them; so do trainings of its trials, with their own copies.
"""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from pathlib import Path

from nas_controller.execution.kept_models import models_directory
from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.exports.files import export_directory
from nas_controller.store import Deletion, Store
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.trainings.files import start_directory

logger = logging.getLogger(__name__)


def delete_campaign(store: Store, data_dir: Path, campaign_id: str) -> None:
    """Deletes a campaign that has ended or is a draft. Raises as the store's `delete_campaign`.

    Files that cannot be removed now are left to `finish_deletions`.
    """
    deletion = store.service.delete_campaign(
        campaign_id, lambda training_id: start_directory(data_dir, training_id).is_dir()
    )
    _finish(store, data_dir, deletion)


def finish_deletions(store: Store, data_dir: Path) -> None:
    """Removes the files of deleted campaigns that a process which died has left. Raises StoreUnavailableError."""
    for deletion in store.service.unfinished_deletions():
        _finish(store, data_dir, deletion)


def _finish(store: Store, data_dir: Path, deletion: Deletion) -> None:
    campaign_id = deletion.campaign_id
    directories = [campaign_directory(data_dir, campaign_id), models_directory(data_dir, campaign_id)]
    directories += [export_directory(data_dir, export_id) for export_id in deletion.exports]
    try:
        for directory in directories:
            with suppress(FileNotFoundError):
                shutil.rmtree(directory)
        for owner in (campaign_id, *deletion.exports):
            log_path(data_dir, owner).unlink(missing_ok=True)
    except OSError as error:
        logger.warning("campaign %s is deleted, but %s cannot be removed: %s", campaign_id, error.filename, error)
        return
    store.service.finish_deletion(campaign_id)
    logger.info("campaign %s is deleted with its files", campaign_id)
