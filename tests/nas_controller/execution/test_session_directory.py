"""Session directories: one per runner, also if a campaign has a frozen runner and its successor."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from nas_controller.execution import session_directory as module
from nas_controller.execution.session_directory import (
    remove_session_directories,
    remove_session_directory,
    session_directories,
    session_directory,
)

CAMPAIGN = "c_00000000test0123"
OTHER = os.getppid()


def test_a_runner_removes_only_its_own_directory_of_the_campaign() -> None:
    own, other = session_directory(CAMPAIGN), session_directory(CAMPAIGN, OTHER)
    try:
        own.mkdir()
        other.mkdir()
        assert session_directories(CAMPAIGN) == sorted([own, other])
        remove_session_directory(CAMPAIGN)
        assert session_directories(CAMPAIGN) == [other]
    finally:
        remove_session_directories(CAMPAIGN)
    assert session_directories(CAMPAIGN) == []


def test_a_file_that_a_dying_process_adds_during_the_removal_is_removed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    own = session_directory(CAMPAIGN)
    (own / "logs").mkdir(parents=True)
    remove = shutil.rmtree
    late_files = iter(["raylet.out", "gcs_server.out"])

    def remove_while_another_writes(directory: Path, **options: Any) -> None:
        remove(directory, **options)
        if name := next(late_files, None):
            directory.mkdir()
            (directory / name).touch()

    monkeypatch.setattr(module.shutil, "rmtree", remove_while_another_writes)
    remove_session_directory(CAMPAIGN)
    assert session_directories(CAMPAIGN) == []


def test_a_directory_that_cannot_be_removed_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = session_directory(CAMPAIGN)
    own.mkdir()
    try:
        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(module, "REMOVE_SECONDS", 0.1)
            patch.setattr(module.shutil, "rmtree", lambda directory, **options: None)
            remove_session_directory(CAMPAIGN)
        assert caplog.messages == [f"{own} cannot be removed"]
    finally:
        remove_session_directories(CAMPAIGN)
