"""The bounded end of a text file, such as a log."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

TAIL_BYTES = 8 * 1024
CUT = "[...] "
"""In place of the text before the end."""


def file_tail(path: Path, first_byte: int = 0) -> str:
    """The text of a file from `first_byte`, at most its last TAIL_BYTES; empty if it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        start = file.seek(max(first_byte, file.seek(0, os.SEEK_END) - TAIL_BYTES))
        text = file.read(TAIL_BYTES).decode("utf-8", errors="replace")
        return CUT + text if start > first_byte else text
    return ""
