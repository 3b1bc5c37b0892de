"""Errors of a data set's files: cannot be used, or cannot be reached for now."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from proxy_trainer.errors import DataAwayError, DataError

_AWAY = frozenset(
    {
        errno.ENOENT,
        errno.ENODEV,
        errno.ENXIO,
        errno.EIO,
        errno.ESTALE,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ETIMEDOUT,
    }
)
"""What a file system reports that is not mounted, or whose disk or server does not answer."""


def is_away(error: OSError) -> bool:
    """Whether the file may be reached again later: it is missing, or its file system does not answer."""
    return error.errno in _AWAY


def file_error(what: str, path: Path, error: OSError) -> DataError:
    """The error of a file that cannot be read, such as `what` "the annotation file"; DataAwayError where it is away."""
    kind = DataAwayError if is_away(error) else DataError
    return kind(f"cannot read {what} {path}: {error.strerror or error}")


def check_is_there(directory: Path) -> None:
    """Raises DataAwayError where the directory is missing, empty (not mounted) or does not answer.

    Raises DataError where it is a file or may not be read.
    """
    try:
        with os.scandir(directory) as entries:
            if next(entries, None) is None:
                raise DataAwayError(f"the directory {directory} is empty")
    except FileNotFoundError:
        raise DataAwayError(f"there is no directory {directory}") from None
    except NotADirectoryError:
        raise DataError(f"{directory} is a file, not a directory") from None
    except OSError as error:
        raise file_error("the directory", directory, error) from None
