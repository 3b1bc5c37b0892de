"""Atomic file writes: the old or the new content, and no partial file left behind."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from search_space.atomic_file import fsync_directory, fsync_tree, move_aside, partial_path, write_atomically


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


def test_the_name_is_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename survives a power failure only once its directory was written."""
    written: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        written.append("directory" if path.is_dir() else path.name.split(".")[-1])
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write_atomically(tmp_path / "file", b"content")
    assert written == ["partial", "directory"]


def test_a_file_system_that_cannot_write_directories_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unsupported)
    fsync_directory(tmp_path)


def test_what_is_moved_aside_can_be_read_on_by_who_has_it_open(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"content")
    with open(folder / "file", "rb") as file:
        aside = move_aside(folder)
        assert file.read() == b"content"
    assert aside is not None
    assert not folder.exists()
    assert (aside / "file").read_bytes() == b"content"
    assert (aside.name[:8], aside.suffix) == (".folder.", ".damaged")
    assert move_aside(folder) is None


def test_a_tree_is_written_with_all_its_files_and_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree" / "images").mkdir(parents=True)
    for name in ("manifest", "images/1", "images/2"):
        (tmp_path / "tree" / name).write_bytes(b"content")
    written: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: written.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    fsync_tree(tmp_path / "tree")
    names = ("", "/manifest", "/images", "/images/1", "/images/2")
    assert sorted(written) == sorted(f"{tmp_path}/tree{name}" for name in names)
