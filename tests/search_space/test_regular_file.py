"""Only regular files are opened: nothing in their place blocks."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from search_space.regular_file import open_regular, read_regular


def test_a_file_is_read_and_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for part in (b"one ", b"two"):
        with open_regular(path, "ab") as file:
            file.write(part)
    assert read_regular(path) == b"one two"
    (tmp_path / "link").symlink_to(path)
    assert read_regular(tmp_path / "link") == b"one two"


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "file")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "link")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("mode", ["rb", "ab"])
def test_a_pipe_a_socket_a_device_and_a_directory_are_refused_at_once(tmp_path: Path, mode: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        for name, kind in (
            ("pipe", "a named pipe"), ("folder", "a directory"), ("zero", "a device"), ("socket", "a socket"),
        ):  # fmt: skip
            with pytest.raises(OSError, match=f"it is {kind}, not a regular file") as found:
                open_regular(tmp_path / name, mode)
            assert found.value.filename == str(tmp_path / name)
