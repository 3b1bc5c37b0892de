"""The log files of campaigns, which their runners write."""

from __future__ import annotations

from collections import deque
from pathlib import Path

TAIL_LINES = 30


def log_path(data_dir: Path, campaign_id: str) -> Path:
    """The log file of a campaign; it may not exist yet."""
    return data_dir / "logs" / f"{campaign_id}.log"


def log_tail(data_dir: Path, campaign_id: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a campaign's log; empty if it does not exist."""
    try:
        with log_path(data_dir, campaign_id).open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""
