"""The log of an attempt: from its marker on, bounded, and searched for the cause of a death."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nas_controller.execution import worker_log
from nas_controller.execution.file_tail import TAIL_BYTES
from nas_controller.execution.worker_log import TAIL_LINES, AttemptLog
from nas_controller.search.outcomes import Failed
from tests.support.paths import ROOT

WORKER = """
import os, sys
from pathlib import Path
from nas_controller.execution import worker_log
os.write(1, b"before\\n"); os.write(2, b"before\\n")
worker_log.begin(Path(sys.argv[1]), 3, 1)
exec(sys.argv[2])
"""


def attempt(log_dir: Path, code: str) -> AttemptLog:
    """The log of an attempt by a process whose two streams go to files named as Ray names them."""
    logs = log_dir / "session_2026-01-02" / "logs"
    logs.mkdir(parents=True)
    with (logs / "new.out").open("wb") as out, (logs / "new.err").open("wb") as err:
        process = subprocess.Popen([sys.executable, "-c", WORKER, log_dir, code], stdout=out, stderr=err, cwd=ROOT)
        process.wait()
    for suffix in ("out", "err"):
        (logs / f"new.{suffix}").rename(logs / f"worker-0a1b-ffffffff-{process.pid}.{suffix}")
    log = worker_log.end(log_dir, 3, 1)
    assert log.pid == process.pid
    assert not list((log_dir / "attempts").iterdir())
    return log


def test_the_log_begins_with_the_attempt_and_outlives_its_process(tmp_path: Path) -> None:
    code = "os.write(2, b':actor_name:X\\nfrom native code\\n'); os.kill(os.getpid(), 9)"
    assert attempt(tmp_path, code).tail == "from native code"


def test_both_streams_are_named_if_both_have_text(tmp_path: Path) -> None:
    log = attempt(tmp_path, "print('one'); print('two', file=sys.stderr)")
    assert log.tail == "standard output:\none\nstandard error:\ntwo"


def test_a_worker_that_wrote_nothing_has_no_tail(tmp_path: Path) -> None:
    assert attempt(tmp_path, "print()").tail is None


def test_the_tail_is_bounded_in_lines(tmp_path: Path) -> None:
    tail = attempt(tmp_path, "print(*range(1000), sep='\\n')").tail or ""
    assert tail.split("\n") == [str(n) for n in range(1000 - TAIL_LINES, 1000)]


def test_the_tail_is_bounded_in_bytes(tmp_path: Path) -> None:
    tail = attempt(tmp_path, "print('x' * 10**6 + 'the end')").tail or ""
    assert tail.startswith("[...] ")
    assert tail.endswith("xthe end")
    assert TAIL_BYTES - 100 < len(tail) < TAIL_BYTES + 100


def test_an_attempt_that_never_began_or_was_killed_while_writing_the_marker_has_no_log(tmp_path: Path) -> None:
    assert worker_log.end(tmp_path, 3, 1) == AttemptLog(None, None, False)
    (tmp_path / "attempts").mkdir()
    (tmp_path / "attempts" / "3.1.json").write_text('{"pid": 1')
    assert worker_log.end(tmp_path, 3, 1) == AttemptLog(None, None, False)


def test_the_marker_is_removed_unread_after_a_success(tmp_path: Path) -> None:
    worker_log.begin(tmp_path, 3, 1)
    assert worker_log.end(tmp_path, 3, 1, read=False) == AttemptLog(None, None, False)
    assert os.listdir(tmp_path / "attempts") == []


@pytest.mark.parametrize(
    ("tail", "oom_killed", "reported", "cause"),
    [
        ("hello\n*** SIGSEGV received at time=1 on cpu 0 ***\nPC: @ 0x7f", True, "low on memory", "SIGSEGV"),
        (None, False, "1 worker(s) were killed due to the node running low on memory.", "Ray killed it because"),
        (
            "hello",
            True,
            "end of file",
            "the kernel killed a process for lack of memory during the attempt; lower micro_batch",
        ),
        ("hello", False, "end of file", "it reported no cause, probably SIGKILL"),
    ],
)
def test_the_error_of_a_dead_worker_names_the_cause(
    tail: str | None, oom_killed: bool, reported: str, cause: str
) -> None:
    failed = Failed.of(AttemptLog(17, tail, oom_killed).death(reported))
    assert (failed.reaction, failed.kind) == ("retry", "worker-killed")
    assert failed.error.startswith(f"the worker died before the trial finished (process 17): {cause}")
