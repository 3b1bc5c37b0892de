"""The folders of runners, which may be several of one campaign: one that has lost its lease and one that holds it."""

from __future__ import annotations

import os

from nas_controller.execution.session_directory import (
    remove_session_folder,
    remove_session_folders,
    session_folder,
    session_folders,
)

CAMPAIGN = "c_00000000test0123"
OTHER = os.getppid()


def test_a_runner_that_ends_takes_nothing_from_another_of_its_campaign() -> None:
    own, other = session_folder(CAMPAIGN), session_folder(CAMPAIGN, OTHER)
    try:
        own.mkdir()
        other.mkdir()
        assert session_folders(CAMPAIGN) == sorted([own, other])
        remove_session_folder(CAMPAIGN)
        assert session_folders(CAMPAIGN) == [other]
    finally:
        remove_session_folders(CAMPAIGN)
    assert session_folders(CAMPAIGN) == []
