"""Kills all processes of a session, which is what a child process started with `start_new_session` has begun.

A process group is not enough: every Ray worker leads a group of its own. One that is still starting when its raylet
dies would live on for seconds and create the runner's session directory again.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

_MAX_SCANS = 20


def kill_session(leader: int) -> None:
    """Sends SIGKILL to every process of the session of `leader`, which may itself have ended.

    Repeats until no member is left that it has not signalled: a member can start another one before it dies.
    """
    signalled: set[int] = set()
    for _ in range(_MAX_SCANS):
        members = _members(leader) - signalled
        if not members:
            return
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        signalled |= members


def _members(leader: int) -> set[int]:
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        pid = int(directory.name)
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == leader:
                found.add(pid)
    return found
