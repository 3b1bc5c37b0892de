"""The checkpoint files of a campaign's trials.

Each campaign has a directory, `<data_dir>/checkpoints/<campaign id>`, with one file per trial in training, named by the
widths, which identify an architecture. The directory is removed when the campaign ends. Without its checkpoint, an
interrupted trial restarts from its first step.
"""

from __future__ import annotations

import glob
import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger(__name__)

_DIRECTORY = "checkpoints"
_SUFFIX = ".checkpoint"


def campaign_directory(data_dir: Path, campaign_id: str) -> Path:
    """The directory of a campaign's checkpoints; it may not exist."""
    return data_dir / _DIRECTORY / campaign_id


def file_of(directory: Path, widths: Sequence[int]) -> Path:
    """The checkpoint of one architecture; it may not exist."""
    return directory / ("-".join(str(width) for width in widths) + _SUFFIX)


def remove_file_of(directory: Path, widths: Sequence[int]) -> None:
    """Removes the checkpoint of an architecture that will not be trained again, a partial one included."""
    path = file_of(directory, widths)
    for file in (path, *directory.glob(f".{glob.escape(path.name)}.*")):
        with suppress(OSError):  # it is removed with the directory
            file.unlink(missing_ok=True)


def remove_campaign_directory(data_dir: Path, campaign_id: str) -> None:
    """Removes all checkpoints of a finished campaign."""
    directory = campaign_directory(data_dir, campaign_id)
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():
        logger.warning("cannot remove %s; nothing needs it any more", directory)


def campaigns_with_checkpoints(data_dir: Path) -> list[str]:
    """The ids of the campaigns that have a directory of checkpoints."""
    return sorted(directory.name for directory in (data_dir / _DIRECTORY).glob("*"))
