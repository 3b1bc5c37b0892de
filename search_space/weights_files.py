"""Where shared weights are in a cache directory; trainers and runners agree on it."""

from __future__ import annotations

from pathlib import Path


def shared_weights_dir(cache_dir: Path) -> Path:
    """The directory of all shared weights."""
    return cache_dir / "shared"


def weights_file_name(identity: str) -> str:
    """The file of the weights with this digest of everything that they depend on."""
    return f"{identity[:32]}.weights"
