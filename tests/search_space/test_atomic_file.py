"""Atomic file writes: the old or the new content, and no partial file left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from search_space.atomic_file import partial_path, write_atomically


def test_it_makes_the_directory_and_replaces_the_content(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_content_and_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_partial_paths_are_hidden_and_differ(tmp_path: Path) -> None:
    first, second = partial_path(tmp_path / "file"), partial_path(tmp_path / "file")
    assert first != second
    assert first.parent == tmp_path
    assert first.name.startswith(".file.")
    assert first.name.endswith(".partial")
