"""The scripts that exports of all formats carry; they need nothing of effspine."""

from __future__ import annotations

from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
LATENCY_SCRIPT = "latency.py"
SHARED = (LATENCY_SCRIPT, "pictures.py")


def write_shared_scripts(directory: Path) -> None:
    """Writes the scripts that are equal in all formats."""
    for name in SHARED:
        (directory / name).write_bytes((SCRIPTS / name).read_bytes())
