"""Opens regular files only: to open a named pipe or a device instead of a file could block for ever."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: Path, mode: str = "rb") -> BinaryIO:
    """The open file. Raises OSError, at once and with EINVAL where there is anything but a regular file.

    `mode` is `rb`, or `ab` to append to a file that is made if it is absent.
    """
    if mode == "rb" or path.exists():
        check_regular(path, path.stat().st_mode)
    flags = os.O_RDONLY if mode == "rb" else os.O_RDWR | os.O_APPEND | os.O_CREAT
    # Without O_NONBLOCK, a pipe that takes the place of the file after the check would block.
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o666)
    try:
        check_regular(path, os.fstat(descriptor).st_mode)
        file: BinaryIO = os.fdopen(descriptor, mode)  # type: ignore[assignment]
    except BaseException:
        os.close(descriptor)
        raise
    return file


def read_regular(path: Path) -> bytes:
    """The content of a file. Raises OSError like `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def check_regular(path: Path, mode: int) -> None:
    """Raises OSError (EINVAL) where `mode`, the `st_mode` of what is at `path`, is not that of a regular file."""
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
