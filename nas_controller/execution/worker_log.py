"""The part of a worker's log that belongs to one attempt; it outlives the worker.

Ray sends standard output and standard error of a worker, those of native libraries included, directly to two files in
its session directory. When an attempt begins, the worker writes a marker: its process id and the lengths of the two
files. When the attempt has ended, the runner reads the files from these positions and removes the marker.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from nas_controller.execution.file_tail import CUT, TAIL_BYTES, file_tail
from nas_controller.search.outcomes import WORKER_KILLED
from search_space.errors import EffspineError

TAIL_LINES = 40

_OF_RAY = re.compile(r"^:(job_id|actor_name|task_name):")
_SIGNAL = re.compile(r"^\*\*\* (SIG[A-Z]+) received", re.MULTILINE)
_LESS_MEMORY = "lower micro_batch_size, batch_size, image_px or width_multiplier of the proxy task, or parallelism"


class WorkerKilledError(EffspineError):
    """The process of a worker ended during an attempt, and `cause` describes why."""

    reaction = "retry"
    kind = WORKER_KILLED

    def __init__(self, pid: int | None, cause: str) -> None:
        process = "" if pid is None else f" (process {pid})"
        super().__init__(f"the worker died before the trial finished{process}: {cause}")
        self.pid = pid
        self.cause = cause


@dataclass(frozen=True)
class _Marker:
    """Where the log of an attempt begins, and how many processes the kernel had killed for lack of memory before."""

    pid: int
    out_bytes: int
    err_bytes: int
    oom_kills: int


def begin(log_dir: Path, trial: int, attempt: int) -> None:
    """Writes the marker of an attempt; called by the worker when the attempt begins."""
    marker = _Marker(os.getpid(), os.fstat(1).st_size, os.fstat(2).st_size, _oom_kills())
    path = _marker_path(log_dir, trial, attempt)
    with suppress(OSError):  # no attempt fails because of its log
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(marker)))


@dataclass(frozen=True)
class AttemptLog:
    """The bounded end of the worker's output during an attempt (`tail`), and evidence of how the worker died.

    `pid` and `tail` are None if the attempt never began, `tail` also if the worker wrote nothing.
    """

    pid: int | None
    tail: str | None
    oom_killed: bool

    def death(self, reported: str) -> WorkerKilledError:
        """The error for the worker's death; `reported` is the executor's message, which does not name the signal."""
        signalled = _SIGNAL.search(self.tail or "")
        if signalled:
            cause = signalled[1]
        elif "low on memory" in reported:
            cause = f"Ray killed it because the machine ran low on memory; {_LESS_MEMORY}"
        elif self.oom_killed:
            cause = f"the kernel killed a process for lack of memory during the attempt; {_LESS_MEMORY}"
        else:
            cause = "it reported no cause, probably SIGKILL"
        return WorkerKilledError(self.pid, cause)


def end(log_dir: Path, trial: int, attempt: int, *, read: bool = True) -> AttemptLog:
    """Removes the marker of an attempt that has ended and, with `read`, returns its log; called by the runner."""
    path = _marker_path(log_dir, trial, attempt)
    marker = None
    with suppress(OSError, ValueError, TypeError):  # the attempt never began, or was killed while writing the marker
        marker = _Marker(**json.loads(path.read_text())) if read else None
    path.unlink(missing_ok=True)
    if marker is None:
        return AttemptLog(None, None, False)
    streams = {
        name: _of_attempt(_log_file(log_dir, marker.pid, suffix), start)
        for name, suffix, start in (("output", "out", marker.out_bytes), ("error", "err", marker.err_bytes))
    }
    return AttemptLog(marker.pid, _joined(streams), _oom_kills() > marker.oom_kills)


def _marker_path(log_dir: Path, trial: int, attempt: int) -> Path:
    return log_dir / "attempts" / f"{trial}.{attempt}.json"


def _log_file(log_dir: Path, pid: int, suffix: str) -> Path | None:
    return next(log_dir.glob(f"session_[0-9]*/logs/worker-*-{pid}.{suffix}"), None)


def _of_attempt(path: Path | None, first_byte: int) -> str:
    """The end of a worker's file, without the lines that Ray adds."""
    lines = [] if path is None else file_tail(path, first_byte).splitlines(keepends=True)
    return "".join(line for line in lines if not _OF_RAY.match(line))


def _joined(streams: dict[str, str]) -> str | None:
    """Both streams, each with an equal part of the limits; they are named only if both have text."""
    texts = {name: text.rstrip() for name, text in streams.items() if text.strip()}
    if not texts:
        return None
    lines, characters = TAIL_LINES // len(texts), TAIL_BYTES // len(texts)
    tails = {name: _tail(text, lines, characters) for name, text in texts.items()}
    if len(tails) == 1:
        return next(iter(tails.values()))
    return "\n".join(f"standard {name}:\n{tail}" for name, tail in tails.items())


def _tail(text: str, lines: int, characters: int) -> str:
    tail = "\n".join(text.split("\n")[-lines:])
    return tail if len(tail) <= characters else CUT + tail[-characters:]


def _oom_kills() -> int:
    """Processes that the kernel has killed for lack of memory since boot; 0 if it does not count them."""
    with suppress(OSError), open("/proc/vmstat", encoding="ascii") as counters:
        for line in counters:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
