"""Writes files atomically: a reader sees either the old or the new content, never a part of it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def partial_path(path: Path) -> Path:
    """An unused hidden path beside `path`, `.NAME.RANDOM.partial`, to write to before renaming it to `path`."""
    return path.parent / f".{path.name}.{uuid4().hex[:12]}.partial"


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces the content of `path`; it is on disk when this returns. Makes the directory of `path` if needed.

    Raises OSError where that fails; `path` then has its old content.
    """
    partial = partial_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        fsync_directory(path.parent)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def fsync_directory(directory: Path) -> None:
    """Writes the names of a directory to the disk, so that a rename in it survives a power failure."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
