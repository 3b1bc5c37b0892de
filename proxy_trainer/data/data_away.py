"""Tells an image that cannot be read from a data set that is away, such as one on a network mount that is down."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.errors import DataAwayError, DataError, UnreadableImageError

_AWAY = (
    errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESHUTDOWN, errno.ETIMEDOUT,
    errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.EREMOTEIO,
)  # fmt: skip
"""What reading gives where a device or a server does not answer."""


def is_away(error: OSError) -> bool:
    """Whether the file could not be read because its device or server does not answer."""
    return error.errno in _AWAY


def image_error(split: CocoSplit, path: Path, error: OSError) -> DataError:
    """The error for an image file that could not be read.

    DataAwayError where its device does not answer, and where no image of the split is there any more;
    UnreadableImageError where only this one is missing or unreadable.
    """
    if is_away(error):
        return DataAwayError(f"the data set is away: cannot read {path}: {error.strerror}")
    missing = isinstance(error, FileNotFoundError)
    if missing and _is_gone(split):
        return DataAwayError(f"the data set is away: none of its images is in {split.images_dir}")
    return UnreadableImageError(path, "there is no such file" if missing else error.strerror or str(error))


def _is_gone(split: CocoSplit) -> bool:
    """Whether the images directory is missing or empty, or has none of several images."""
    try:
        with os.scandir(split.images_dir) as entries:
            if next(entries, None) is None:
                return True
    except OSError:
        return True
    return len(split) > 1 and not any(os.path.exists(split.path(index)) for index in range(len(split)))
