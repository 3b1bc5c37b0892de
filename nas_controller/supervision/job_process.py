"""The process of a job, such as an export or a training: how a supervisor starts it, and asks it to end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from nas_controller.supervision.process_session import kill_session
from nas_controller.supervision.runner_protocol import DATABASE_URL_VARIABLE


def start_job(
    command: Sequence[str], log: Path, database_url: str, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, whose output is appended to `log`. Raises OSError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # it closes when this process dies
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, DATABASE_URL_VARIABLE: database_url, **environment},
            start_new_session=True,  # its session can be killed, and Ctrl-C does not reach it
        )


def terminate_job(process: subprocess.Popen[bytes]) -> None:
    """Asks the process to end, once."""
    process.send_signal(signal.SIGTERM)


def end_job(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Waits for the process, and kills its session after so many seconds."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, seconds))
    kill_session(process.pid)
    process.wait()
    close_stdin(process)


def close_stdin(process: subprocess.Popen[bytes]) -> None:
    """Closes the pipe to the process, which ends because of it."""
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
