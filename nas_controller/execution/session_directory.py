"""The private directory of one runner process for the files of Ray and Tune, in a short path.

It belongs to the runner and not to the campaign: a runner that was frozen and has lost its lease must not remove the
directory of its successor when it resumes. Nothing in it is needed once the runner has ended. The path is short because
it contains Ray's sockets, whose paths the system limits to about a hundred characters.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from search_space.errors import EffspineError

NEEDED_MIB = 32
REMOVE_SECONDS = 5.0
_MAX_ROOT_CHARACTERS = 20
_ID_CHARACTERS = 7  # the random end of a campaign's id

logger = logging.getLogger(__name__)


class DiskFullError(EffspineError):
    """The disk for a runner's files is full; retry when it has free space."""


def session_directory(campaign_id: str, runner: int | None = None) -> Path:
    """The directory of the campaign's runner with this process id, by default this process; it may not exist yet.

    Raises PermissionError if its parent belongs to another user.
    """
    return _root() / f"{campaign_id[-_ID_CHARACTERS:]}.{os.getpid() if runner is None else runner}"


def session_directories(campaign_id: str) -> list[Path]:
    """The existing directories of the campaign's runners, earlier ones included."""
    return sorted(_root().glob(f"{campaign_id[-_ID_CHARACTERS:]}.*"))


def _root() -> Path:
    root = Path(tempfile.gettempdir())
    if len(str(root)) > _MAX_ROOT_CHARACTERS:
        root = Path("/tmp")
    private = root / f"effspine-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.is_symlink() or private.stat().st_uid != os.getuid():
        raise PermissionError(f"{private} belongs to another user; remove it or set TMPDIR")
    return private


def remove_session_directory(campaign_id: str, runner: int | None = None) -> None:
    """Removes the files of one runner of the campaign, by default of this process. Logs a warning if it cannot."""
    _remove(session_directory(campaign_id, runner))


def remove_session_directories(campaign_id: str) -> None:
    """Removes the files of all runners of the campaign; for a runner that has just claimed it."""
    for directory in session_directories(campaign_id):
        _remove(directory)


def _remove(directory: Path) -> None:
    """Removes `directory`, retrying for REMOVE_SECONDS: a process that is being killed can still add a file to it."""
    deadline = time.monotonic() + REMOVE_SECONDS
    shutil.rmtree(directory, ignore_errors=True)
    while directory.exists():
        if time.monotonic() >= deadline:
            logger.warning("%s cannot be removed", directory)
            return
        time.sleep(0.05)
        shutil.rmtree(directory, ignore_errors=True)


def check_free_space(directory: Path) -> None:
    """Raises DiskFullError if a runner's files would not fit; `directory` may not exist yet."""
    free_mib = shutil.disk_usage(directory.parent).free / 2**20
    if free_mib < NEEDED_MIB:
        raise DiskFullError(
            f"the disk of {directory.parent} has {free_mib:.1f} MiB free and a runner needs {NEEDED_MIB} MiB there; "
            "free some, or set TMPDIR to a directory on another disk"
        )
