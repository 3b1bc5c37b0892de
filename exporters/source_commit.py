"""The commit that this code is of, where it runs in its Git repository."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

_TIMEOUT_SECONDS = 10


@cache
def source_commit() -> str | None:
    """The commit, with `-dirty` where tracked files differ from it; None outside a repository or without Git."""
    package = Path(__file__).parent
    ask = ["git", "-C", str(package)]
    try:
        # Installed code may lie inside another repository, which does not track it.
        tracked = _output([*ask, "ls-files", "--", Path(__file__).name])
        return _output([*ask, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]) if tracked else None
    except (OSError, subprocess.SubprocessError):
        return None


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=True)
    return done.stdout.strip()
