"""The processes in /proc, and signals to them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

RAY_WORKER_TITLES = ("ray::ResourceTrainable", "ray::ProxyTrainable", "ray::NetworkTrainer")
"""How the title of a Ray worker that trains begins, during a call and between calls."""

_STARTTIME_INDEX = 15
"""Index of `starttime` of proc_pid_stat(5) among the fields after the session."""


@dataclass(frozen=True)
class Process:
    """A process. `session` is the id of the process that leads its session, `command` its arguments or its title."""

    pid: int
    parent: int
    session: int
    command: str


def running_processes() -> tuple[Process, ...]:
    """All processes except zombies, oldest first. (Ids do not show the age, since they wrap around.)"""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, parent, _, session, *more = (directory / "stat").read_text().rpartition(")")[2].split()
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            if state not in "ZX":
                process = Process(int(directory.name), int(parent), int(session), command)
                found.append((int(more[_STARTTIME_INDEX]), process.pid, process))
    return tuple(process for *_, process in sorted(found))


def descendants(pid: int) -> tuple[Process, ...]:
    """The descendants of a process."""
    processes = running_processes()
    found: list[Process] = []
    parents = {pid}
    while parents:
        children = [process for process in processes if process.parent in parents]
        found += children
        parents = {process.pid for process in children}
    return tuple(found)


def descendant_pids(pid: int) -> set[int]:
    """The ids of the descendants of a process."""
    return {process.pid for process in descendants(pid)}


def workers_of(pid: int) -> list[int]:
    """The ids of the Ray workers of a runner or a command."""
    return [process.pid for process in descendants(pid) if process.command.startswith(RAY_WORKER_TITLES)]


def worker_of(runner: int) -> int | None:
    """The id of the first Ray worker of a runner, or None before there is one."""
    return next(iter(workers_of(runner)), None)


def alive(pids: Iterable[int]) -> set[int]:
    """Those of the processes that have not ended."""
    return {process.pid for process in running_processes()} & set(pids)


def send(number: signal.Signals, pids: Iterable[int]) -> None:
    """Sends a signal to every process that still exists."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(*pids: int) -> None:
    """Sends SIGKILL."""
    send(signal.SIGKILL, pids)


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Suspends processes until the block ends."""
    send(signal.SIGSTOP, pids)
    try:
        yield
    finally:
        send(signal.SIGCONT, pids)
