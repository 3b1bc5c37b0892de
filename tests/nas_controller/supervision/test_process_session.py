"""The processes of a session are killed, those in groups of their own included."""

from __future__ import annotations

import os
import subprocess
import sys

from nas_controller.supervision.process_session import kill_session
from tests.support.process_table import running_processes
from tests.support.waiting import wait_for

PROGRAM = """
import os, subprocess, sys, time
command = [sys.executable, "-c", "import time; time.sleep(600)"]
subprocess.Popen(command)
subprocess.Popen(command, preexec_fn=lambda: os.setpgid(0, 0))
"""
"""Starts a process in its own group and one in another group."""


def _members(session: int) -> list[int]:
    return [process.pid for process in running_processes() if process.session == session]


def test_a_member_in_a_group_of_its_own_is_killed_and_other_processes_are_not() -> None:
    leader = subprocess.Popen([sys.executable, "-c", PROGRAM + "time.sleep(600)"], start_new_session=True)
    try:
        members = wait_for(lambda: found if len(found := _members(leader.pid)) == 3 else None, "the leader's children")
        groups = {os.getpgid(pid) for pid in members}
        assert len(groups) == 2
    finally:
        kill_session(leader.pid)
    leader.wait()
    wait_for(lambda: not _members(leader.pid), "the end of the session")


def test_the_members_are_killed_after_their_leader_has_ended() -> None:
    leader = subprocess.Popen([sys.executable, "-c", PROGRAM], start_new_session=True)
    leader.wait()
    try:
        assert len(_members(leader.pid)) == 2
    finally:
        kill_session(leader.pid)
    wait_for(lambda: not _members(leader.pid), "the end of the session")
