"""The data directory of effspine on this machine."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "EFFSPINE_DATA_DIR"


def data_dir() -> Path:
    """The data directory, absolute: `$EFFSPINE_DATA_DIR`, by default `default_data_dir`."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else default_data_dir()


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/effspine`, by default `~/.local/share/effspine`."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share").absolute() / "effspine"
