"""The files of exports: `<data_dir>/exports/<export id>/<attempt>/<file name>`.

Each attempt has its own directory, so that one that was given up cannot touch the file of its successor. The files take
at most a given number of bytes; the least recently used ones are removed first, and can be made again. The time of the
last use is the access time of the file, which each download sets.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from nas_controller.store import ExportRecord, Store

LIMIT_BYTES = 10 * 2**30

logger = logging.getLogger(__name__)


def export_directory(data_dir: Path, export_id: str) -> Path:
    """The directory of an export; it may not exist."""
    return data_dir / "exports" / export_id


def attempt_directory(data_dir: Path, export_id: str, attempt: int) -> Path:
    """The directory of an attempt, also for its temporary files; it may not exist."""
    return export_directory(data_dir, export_id) / str(attempt)


def export_file(data_dir: Path, export: ExportRecord) -> Path:
    """The file of a completed export."""
    return attempt_directory(data_dir, export.id, export.attempts) / export.file_name


def mark_used(path: Path) -> None:
    """Sets the access time of a file to now, and leaves that of its last change."""
    with suppress(OSError):  # the time of use is only a guess at what is needed again
        os.utime(path, (time.time(), path.stat().st_mtime))


def remove_other_attempts(data_dir: Path, export_id: str, attempt: int) -> None:
    """Removes what earlier attempts have left."""
    for directory in export_directory(data_dir, export_id).glob("*"):
        if directory.name != str(attempt):
            shutil.rmtree(directory, ignore_errors=True)


def make_room(store: Store, data_dir: Path, limit_bytes: int, keep: str) -> None:
    """Removes the files that were used longest ago until all take at most `limit_bytes`, but not that of `keep`.

    Raises StoreUnavailableError.
    """
    sizes: list[tuple[float, int, str]] = []
    for export in store.reads.completed_exports():
        with suppress(FileNotFoundError):
            stat = export_file(data_dir, export).stat()
            sizes.append((stat.st_atime, stat.st_size, export.id))
    total = sum(size for _, size, _ in sizes)
    for _, size, export_id in sorted(sizes):
        if total <= limit_bytes:
            return
        if export_id != keep:
            store.runner.remove_export(export_id)
            shutil.rmtree(export_directory(data_dir, export_id), ignore_errors=True)
            logger.info("export %s is removed: exports take more than %d bytes", export_id, limit_bytes)
            total -= size
