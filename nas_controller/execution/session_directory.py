"""Where a runner's Ray and Tune keep their files: a private folder of that runner, in a short path, wiped
freely.

It is the runner's and not the campaign's: one that was frozen, has lost its lease and tidies up when it wakes must not
take away what its successor stands on. Nothing in it is of any use once the runner has ended. The path is short because
the sockets of Ray lie in it, and the system allows some hundred characters for the name of one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from search_space.errors import EffspineError

NEEDED_MIB = 32
_MAX_ROOT_CHARACTERS = 20
_ID_CHARACTERS = 7  # of a campaign's id, its random end


class NoRoomError(EffspineError):
    """The disk for a runner's files is full. Wait until there is room."""


def session_folder(campaign_id: str, runner: int | None = None) -> Path:
    """The folder of the campaign's runner with this process id, by default this process; it may not exist yet.

    Raises PermissionError when its place belongs to somebody else.
    """
    return _root() / f"{campaign_id[-_ID_CHARACTERS:]}.{os.getpid() if runner is None else runner}"


def session_folders(campaign_id: str) -> list[Path]:
    """The folders of all runners of the campaign, former ones too, as far as there are any."""
    return sorted(_root().glob(f"{campaign_id[-_ID_CHARACTERS:]}.*"))


def _root() -> Path:
    root = Path(tempfile.gettempdir())
    if len(str(root)) > _MAX_ROOT_CHARACTERS:
        root = Path("/tmp")
    private = root / f"effspine-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.is_symlink() or private.stat().st_uid != os.getuid():
        raise PermissionError(f"{private} belongs to somebody else; remove it or set TMPDIR")
    return private


def remove_session_folder(campaign_id: str, runner: int | None = None) -> None:
    """Removes what a runner of the campaign, by default this process, has left behind, as far as that is possible."""
    shutil.rmtree(session_folder(campaign_id, runner), ignore_errors=True)


def remove_session_folders(campaign_id: str) -> None:
    """Removes what any runner of the campaign has left behind; for a runner that has just claimed it."""
    for folder in session_folders(campaign_id):
        shutil.rmtree(folder, ignore_errors=True)


def check_room(folder: Path) -> None:
    """Raises NoRoomError where a runner's files would not fit; `folder` itself may not exist yet."""
    free_mib = shutil.disk_usage(folder.parent).free / 2**20
    if free_mib < NEEDED_MIB:
        raise NoRoomError(
            f"the disk of {folder.parent} has {free_mib:.1f} MiB free and a runner needs {NEEDED_MIB} MiB there; "
            "free some, or set TMPDIR to a folder on another disk"
        )
