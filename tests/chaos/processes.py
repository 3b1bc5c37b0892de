"""Processes as the system lists them in /proc, and the signals that the faults are made of."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process. `session` is the id of the process that leads its session, `command` its arguments or its title."""

    pid: int
    parent: int
    session: int
    command: str


def listed() -> tuple[Process, ...]:
    """All processes but those that have ended and were not waited for, oldest id first."""
    found = []
    for folder in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: int(folder.name)):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, parent, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if state not in "ZX":
                found.append(Process(int(folder.name), int(parent), int(session), command))
    return tuple(found)


def below(pid: int) -> tuple[Process, ...]:
    """The descendants of a process."""
    everyone = listed()
    found: list[Process] = []
    parents = {pid}
    while parents:
        children = [process for process in everyone if process.parent in parents]
        found += children
        parents = {process.pid for process in children}
    return tuple(found)


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Sends a signal to every process that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(*pids: int) -> None:
    """SIGKILL."""
    send(signal.SIGKILL, pids)


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Keeps processes from running for the time of the block."""
    send(signal.SIGSTOP, pids)
    try:
        yield
    finally:
        send(signal.SIGCONT, pids)
