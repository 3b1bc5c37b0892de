"""Processes as the system lists them in /proc, and signals to them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_START_OF_MORE = 15
"""`starttime` in proc_pid_stat(5), counted from the field after the session."""


@dataclass(frozen=True)
class Process:
    """A process. `session` is the id of the process that leads its session, `command` its arguments or its title."""

    pid: int
    parent: int
    session: int
    command: str


def listed() -> tuple[Process, ...]:
    """All processes but those that have ended and were not waited for, oldest first (which ids, that begin anew after
    the largest, do not say).
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, parent, _, session, *more = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if state not in "ZX":
                process = Process(int(folder.name), int(parent), int(session), command)
                found.append((int(more[_START_OF_MORE]), process.pid, process))
    return tuple(process for *_, process in sorted(found))


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


def descendants(pid: int) -> dict[int, str]:
    """The command lines of the processes below `pid`."""
    return {process.pid: process.command for process in below(pid)}


def workers_of(process: int) -> list[int]:
    """The workers of Ray below a runner or a command."""
    return [pid for pid, command in descendants(process).items() if command.startswith("ray::ResourceTrainable")]


def worker_of(runner: int) -> int | None:
    """The first worker of Ray below a runner, or None before there is one."""
    return next(iter(workers_of(runner)), None)


def alive(pids: Iterable[int]) -> set[int]:
    """Those of the processes that have not ended."""
    return {process.pid for process in listed()} & set(pids)


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
