"""A digest of files by their names and sizes, where reading all of them would take too long."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from proxy_trainer.data.file_errors import file_error


def files_digest(files: Iterable[Path], directory: Path) -> str:
    """The SHA-256 of the paths below `directory` and the sizes of files, in the order given.

    Raises DataError for a file that cannot be read, DataAwayError where it is away.
    """
    digest = hashlib.sha256()
    for path in files:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise file_error("the file", path, error) from None
        digest.update(json.dumps([path.relative_to(directory).as_posix(), size]).encode())
    return digest.hexdigest()


def files_identity(images: Sequence[Path], others: Sequence[Path], directory: Path) -> dict[str, Any]:
    """What identifies a split whose files are `images` and `others`, as JSON values. Raises as `files_digest`."""
    return {"images": len(images), "files_sha256": files_digest((*images, *others), directory)}
