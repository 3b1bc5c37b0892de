"""The process of a runner, from the supervisor's side."""

from __future__ import annotations

import os
import signal
import subprocess
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from nas_controller.execution.session_directory import remove_session_directory
from nas_controller.store import CampaignRecord
from nas_controller.supervision.fair_shares import Allotment
from nas_controller.supervision.process_session import kill_session
from nas_controller.supervision.runner_protocol import DATABASE_URL_VARIABLE


@dataclass
class RunnerProcess:
    """A runner, and the progress of its campaign when it started.

    `owner` is the name in its lease; `without_lease_since` is the time (monotonic seconds) since it has had none.
    """

    campaign_id: str
    owner: str
    process: subprocess.Popen[bytes]
    progress: int
    allotment: Allotment
    without_lease_since: float | None = None

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        campaign: CampaignRecord,
        allotment: Allotment,
        log: Path,
        database_url: str,
    ) -> RunnerProcess:
        """Starts the command with further options; appends its output to `log`. Raises OSError."""
        owner = f"supervisor-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        options = ["--owner", owner, "--watch-stdin", "--allotment", allotment.to_line().decode().strip()]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, *options],
                stdin=subprocess.PIPE,  # for allotments; it closes when this process dies
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, DATABASE_URL_VARIABLE: database_url},  # a command line would expose the password
                start_new_session=True,  # its session can be killed, and Ctrl-C does not reach it
            )
        return cls(campaign.id, owner, process, campaign.progress, allotment)

    @property
    def pid(self) -> int:
        """The process id, which is also that of its session."""
        return self.process.pid

    def send_allotment(self, allotment: Allotment) -> None:
        """Sends a changed allotment; a runner keeps at least one worker as long as it runs."""
        allotment = replace(allotment, parallelism=max(1, allotment.parallelism))
        if allotment != self.allotment and self.process.stdin is not None:
            with suppress(BrokenPipeError):  # the runner has ended and will be reaped
                self.process.stdin.write(allotment.to_line())
                self.process.stdin.flush()
            self.allotment = allotment

    def kill(self) -> None:
        """Kills the process and all processes that it has started."""
        kill_session(self.pid)

    def terminate(self) -> None:
        """Closes its standard input and sends SIGTERM."""
        self._close_stdin()
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def wait_or_kill(self, seconds: float) -> None:
        """Waits at most `seconds` for its end, then kills it."""
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def clean_up(self) -> None:
        """Removes what a runner has left behind after its end: processes, the pipe, files of Ray."""
        self.kill()
        self._close_stdin()
        remove_session_directory(self.campaign_id, self.pid)

    def _close_stdin(self) -> None:
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
