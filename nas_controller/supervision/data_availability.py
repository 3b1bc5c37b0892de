"""What a campaign waits for: its data set, or room on the disk, as far as a runner can see without reading the data."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from nas_controller.search.outcomes import Failed
from nas_controller.store import CampaignRecord
from nas_controller.store.database import MIN_FREE_BYTES
from search_space.datasets import dataset_path, registration_file
from search_space.errors import DATA_AWAY, InvalidValueError


def missing_data(campaign: CampaignRecord, data_dir: Path) -> str | None:
    """Why the data set cannot be read at the moment; None if its directory is there, or the campaign needs none.

    An empty directory is the mount point of a file system that is not mounted, if the data set was usable before.
    """
    name = campaign.spec.dataset
    if name is None:
        return None
    try:
        path = dataset_path(data_dir, name)
        if _was_usable(campaign, data_dir) and next(path.iterdir(), None) is None:
            return f"data set '{name}': its directory {path} is empty; is its file system mounted?"
    except InvalidValueError as error:
        return str(error)
    except OSError as error:
        return f"data set '{name}' cannot be read: {error}"
    return None


def still_waits(campaign: CampaignRecord, data_dir: Path) -> bool:
    """Whether a campaign that waits would only wait again, so that no runner needs to claim it."""
    if campaign.waiting_for is None or campaign.state != "running":
        return False
    missing = missing_data(campaign, data_dir)
    return missing == campaign.waiting_for or (missing is None and _is_full(data_dir))


def may_wait_for(
    get_campaign: Callable[[str], CampaignRecord], campaign_id: str, data_dir: Path, failure: Failed
) -> bool:
    """Whether a failed attempt lets its campaign wait rather than fail.

    Data that were never usable may not be away but wrong: an empty directory among the data sets, for example.
    """
    return failure.kind != DATA_AWAY or _was_usable(get_campaign(campaign_id), data_dir)


def _was_usable(campaign: CampaignRecord, data_dir: Path) -> bool:
    """Whether trials have read the data set, or somebody has registered it."""
    name = campaign.spec.dataset
    try:
        return campaign.data is not None or (name is not None and registration_file(data_dir, name).exists())
    except OSError:  # the file system of the data directory does not respond
        return True


def _is_full(data_dir: Path) -> bool:
    try:
        return shutil.disk_usage(data_dir).free < MIN_FREE_BYTES
    except OSError:
        return True
