"""The identity of a directory of files by their names and sizes, where reading all of them would take too long."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def listing_sha256(directory: Path) -> str:
    """A digest over the relative path and the size of every file below a directory. Raises OSError."""
    digest = hashlib.sha256()
    for root, directories, files in os.walk(directory, followlinks=True):
        directories.sort()
        for name in sorted(files):
            path = Path(root) / name
            digest.update(f"{path.relative_to(directory).as_posix()}\0{path.stat().st_size}\n".encode())
    return digest.hexdigest()
