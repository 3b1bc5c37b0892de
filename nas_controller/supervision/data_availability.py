"""Whether the data set of a campaign is there, as far as the runner can see without reading it."""

from __future__ import annotations

from pathlib import Path

from nas_controller.store import CampaignRecord
from search_space.datasets import dataset_path, registration_file
from search_space.errors import InvalidValueError


def was_usable(campaign: CampaignRecord, data_dir: Path) -> bool:
    """Whether the data set has been in use before, so that what is missing of it may come back.

    Trials have read it, or somebody has registered it. A directory that was merely put among the data sets may never
    have been one.
    """
    name = campaign.spec.dataset
    return campaign.data is not None or (name is not None and _is_registered(data_dir, name))


def missing_data(campaign: CampaignRecord, data_dir: Path) -> str | None:
    """Why the data set cannot be read at the moment; None if its directory is there, or the campaign needs none.

    An empty directory is the mount point of a file system that is not mounted, if the data set was usable before.
    """
    name = campaign.spec.dataset
    if name is None:
        return None
    try:
        path = dataset_path(data_dir, name)
        if was_usable(campaign, data_dir) and next(path.iterdir(), None) is None:
            return f"data set '{name}': its directory {path} is empty; is its file system mounted?"
    except InvalidValueError as error:
        return str(error)
    except OSError as error:
        return f"data set '{name}' cannot be read: {error}"
    return None


def _is_registered(data_dir: Path, name: str) -> bool:
    try:
        return registration_file(data_dir, name).exists()
    except OSError:  # the file system of the data directory does not respond
        return True
