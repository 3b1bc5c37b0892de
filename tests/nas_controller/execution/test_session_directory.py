"""The folders of runners, which may be several of one campaign: one that has lost its lease and one that holds it."""

from __future__ import annotations

import os

from nas_controller.execution.session_directory import (
    remove_session_directories,
    remove_session_directory,
    session_directories,
    session_directory,
)

CAMPAIGN = "c_00000000test0123"
OTHER = os.getppid()


def test_a_runner_that_ends_takes_nothing_from_another_of_its_campaign() -> None:
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
