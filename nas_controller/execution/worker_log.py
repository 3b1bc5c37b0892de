"""What a worker writes during one attempt, to be read by the runner even when the worker is gone.

Ray sends standard output and standard error of a worker, those of native libraries included, straight into two files
of its session folder, and they stay there when the process is killed. So an attempt leaves a bookmark when it begins:
its process and how long the two files were. The runner reads on from there, and removes the bookmark.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from nas_controller.search.outcomes import WORKER_KILLED
from search_space.errors import EffspineError

TAIL_LINES = 40
TAIL_BYTES = 8 * 1024

_CUT = "[...] "
_OF_RAY = re.compile(r"^:(job_id|actor_name|task_name):")
_SIGNAL = re.compile(r"^\*\*\* (SIG[A-Z]+) received", re.MULTILINE)
_LESS_MEMORY = "lower micro_batch_size, batch_size, image_px or width_multiplier of the proxy task, or parallelism"


class WorkerKilledError(EffspineError):
    """The process of a worker ended in the middle of an attempt; `how` says what is known of the reason."""

    reaction = "retry"
    kind = WORKER_KILLED

    def __init__(self, pid: int | None, how: str) -> None:
        process = "" if pid is None else f" (process {pid})"
        super().__init__(f"the worker died before the trial had finished{process}: {how}")
        self.pid = pid
        self.how = how


@dataclass(frozen=True)
class _Bookmark:
    """Where the log of an attempt begins, and how many processes the system had killed for memory by then."""

    pid: int
    out_bytes: int
    err_bytes: int
    oom_kills: int


def begin(folder: Path, trial: int, attempt: int) -> None:
    """Leaves the bookmark of an attempt in the folder of the runner; called in the worker as the attempt begins."""
    mark = _Bookmark(os.getpid(), os.fstat(1).st_size, os.fstat(2).st_size, _oom_kills())
    path = _bookmark_path(folder, trial, attempt)
    with suppress(OSError):  # no attempt fails for its log
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(mark)))


@dataclass(frozen=True)
class AttemptLog:
    """What the worker wrote during an attempt: `tail`, its bounded end, and what is known of the worker.

    `pid` and `tail` are None where the attempt never began, `tail` also where the worker wrote nothing.
    """

    pid: int | None
    tail: str | None
    oom_killed: bool

    def death(self, said: str) -> WorkerKilledError:
        """Why the worker is gone; `said` is what Ray says of it, which does not know the signal."""
        signalled = _SIGNAL.search(self.tail or "")
        if signalled:
            how = signalled[1]
        elif "low on memory" in said:
            how = f"Ray ended it, since the machine ran low on memory; {_LESS_MEMORY}"
        elif self.oom_killed:
            how = f"the system killed a process for want of memory meanwhile; {_LESS_MEMORY}"
        else:
            how = "it left no word, as after SIGKILL"
        return WorkerKilledError(self.pid, how)


def end(folder: Path, trial: int, attempt: int, *, read: bool = True) -> AttemptLog:
    """The log of an attempt that has ended, if it shall be read, and its bookmark removed; called in the runner."""
    path = _bookmark_path(folder, trial, attempt)
    mark = None
    with suppress(OSError, ValueError, TypeError):  # it never began, or was killed while it wrote
        mark = _Bookmark(**json.loads(path.read_text())) if read else None
    path.unlink(missing_ok=True)
    if mark is None:
        return AttemptLog(None, None, False)
    written = {
        name: "".join(_lines(_log_file(folder, mark.pid, ending), begins))
        for name, ending, begins in (("output", "out", mark.out_bytes), ("error", "err", mark.err_bytes))
    }
    return AttemptLog(mark.pid, _joined(written), _oom_kills() > mark.oom_kills)


def _bookmark_path(folder: Path, trial: int, attempt: int) -> Path:
    return folder / "attempts" / f"{trial}.{attempt}.json"


def _log_file(folder: Path, pid: int, ending: str) -> Path | None:
    return next(folder.glob(f"session_[0-9]*/logs/worker-*-{pid}.{ending}"), None)


def _lines(path: Path | None, begins: int) -> Iterator[str]:
    """The lines of a file from a byte on, of a long file those within the last TAIL_BYTES alone."""
    if path is None:
        return
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = file.seek(max(begins, size - TAIL_BYTES))
        if start > begins:
            yield _CUT
        for line in file:
            text = line.decode("utf-8", errors="replace")
            if not _OF_RAY.match(text):
                yield text


def _joined(written: dict[str, str]) -> str | None:
    """Both streams, each with its share of the bounds; named only where both have something."""
    some = {name: text.rstrip() for name, text in written.items() if text.strip()}
    if not some:
        return None
    lines, characters = TAIL_LINES // len(some), TAIL_BYTES // len(some)
    tails = {name: _tail(text, lines, characters) for name, text in some.items()}
    if len(tails) == 1:
        return next(iter(tails.values()))
    return "\n".join(f"standard {name}:\n{tail}" for name, tail in tails.items())


def _tail(text: str, lines: int, characters: int) -> str:
    kept = "\n".join(text.split("\n")[-lines:])
    return kept if len(kept) <= characters else _CUT + kept[-characters:]


def _oom_kills() -> int:
    """Processes that the kernel has killed for want of memory since it started; 0 where it does not count them."""
    with suppress(OSError), open("/proc/vmstat", encoding="ascii") as counters:
        for line in counters:
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
