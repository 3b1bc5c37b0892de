"""Where the trials of a campaign keep their checkpoints, and when those are of no use any more.

One folder a campaign, `<data_dir>/checkpoints/<campaign id>`, and in it one file a trial that is under way, named by
the widths, which identify an architecture. The folder goes with the campaign's end. Nothing in it is part of the
record: without it, a trial that was cut off begins anew.
"""

from __future__ import annotations

import glob
import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

_FOLDER = "checkpoints"
_ENDING = ".checkpoint"


def campaign_folder(data_dir: Path, campaign_id: str) -> Path:
    """The folder of a campaign's checkpoints; it may not exist."""
    return data_dir / _FOLDER / campaign_id


def file_of(folder: Path, widths: Sequence[int]) -> Path:
    """The checkpoint of one architecture; it may not exist."""
    return folder / ("-".join(str(width) for width in widths) + _ENDING)


def remove_file_of(folder: Path, widths: Sequence[int]) -> None:
    """Removes the checkpoint of an architecture that will not be trained again, a half-written one included."""
    path = file_of(folder, widths)
    for left in (path, *folder.glob(f".{glob.escape(path.name)}.*")):
        with suppress(OSError):  # it goes with the folder
            left.unlink(missing_ok=True)


def remove_campaign_folder(data_dir: Path, campaign_id: str) -> None:
    """Removes all checkpoints of a campaign that is over."""
    folder = campaign_folder(data_dir, campaign_id)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        logger.warning("cannot remove %s; nothing needs it any more", folder)


def campaigns_with_a_folder(data_dir: Path) -> list[str]:
    """The ids of the campaigns whose checkpoints are kept."""
    return sorted(folder.name for folder in (data_dir / _FOLDER).glob("*"))
