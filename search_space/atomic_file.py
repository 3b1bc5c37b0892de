"""Writes files atomically: a reader sees either the old or the new content, never a part of it."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4


def partial_path(path: Path) -> Path:
    """An unused hidden path beside `path`, `.NAME.RANDOM.partial`, to write to before renaming it to `path`."""
    return _beside(path, "partial")


def move_aside(path: Path) -> Path | None:
    """Renames what is at `path` to `.NAME.RANDOM.damaged` beside it, and returns where it is; None where nothing was.

    Processes that have it open or mapped can go on reading it. Raises OSError where it cannot be renamed.
    """
    damaged = _beside(path, "damaged")
    try:
        path.rename(damaged)
    except FileNotFoundError:
        return None
    return damaged


def _beside(path: Path, suffix: str) -> Path:
    return path.parent / f".{path.name}.{uuid4().hex[:12]}.{suffix}"


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces the content of `path`; it is on disk when this returns. Makes the directory of `path` if needed.

    Raises OSError where that fails; `path` then has its old content, or the new one, whole.
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


def fsync_tree(directory: Path) -> None:
    """Writes all files of a directory and their names to the disk, before it is renamed. Raises OSError."""
    for parent, _, names in os.walk(directory):
        for name in names:
            with open(Path(parent) / name, "rb") as file:
                os.fsync(file.fileno())
        fsync_directory(Path(parent))


def fsync_directory(directory: Path) -> None:
    """Writes the names of a directory to the disk, so that a rename in it survives a power failure.

    Does nothing on a file system that cannot do it, such as some network shares. Raises OSError where it fails.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
