"""The log files of campaigns, which their runners write."""

from __future__ import annotations

from pathlib import Path

from nas_controller.execution.file_tail import file_tail

TAIL_LINES = 30


def log_path(data_dir: Path, campaign_id: str) -> Path:
    """The log file of a campaign; it may not exist yet."""
    return data_dir / "logs" / f"{campaign_id}.log"


def log_tail(data_dir: Path, campaign_id: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a campaign's log, within its last TAIL_BYTES; empty if it cannot be read."""
    return "\n".join(file_tail(log_path(data_dir, campaign_id)).rstrip().split("\n")[-lines:])
