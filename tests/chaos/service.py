"""The real service: `effspine api` and `effspine supervisor`, restarted whenever they end, and one campaign."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from api.client import Client, ServiceRefusedError, ServiceUnreachableError
from nas_controller.execution.session_directory import session_directories
from tests.chaos.databases import Database
from tests.chaos.units import Unit
from tests.support.command_line import free_port
from tests.support.paths import ROOT
from tests.support.process_table import RAY_WORKER_TITLES, Process, kill, running_processes
from tests.support.waiting import wait_for

START_SECONDS = 60.0
FIND_SECONDS = 60.0


class Service:
    """The service between `start()` and `end()`; `environment` is that of `effspine` commands which use it. Its
    processes import modules from `paths` first.
    """

    def __init__(
        self, database: Database, lease_seconds: float, away_seconds: float, paths: Sequence[Path] = ()
    ) -> None:
        self.database = database
        self.lease_seconds = lease_seconds
        self.away_seconds = away_seconds
        self.campaign_id = ""
        self._sessions: set[int] = set()
        self.logs = Path(tempfile.mkdtemp(prefix="effspine-chaos-logs-"))
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EFFSPINE_")}
        self.environment = {
            **inherited,
            "PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT))),
            "EFFSPINE_DATABASE_URL": database.url,
            "EFFSPINE_DATA_DIR": str(database.data_dir),
            "EFFSPINE_PORT": str(port),
            "EFFSPINE_URL": self.url,
            "EFFSPINE_LEASE_SECONDS": str(lease_seconds),
        }
        self.client = Client(self.url)
        self.api = self._unit("api")
        self.supervisor = self._unit("supervisor")

    def start(self) -> None:
        """Starts the API, waits until it is ready, and starts the supervisor."""
        self.api.start()
        wait_for(self._is_ready, "the API", START_SECONDS)
        self.supervisor.start()

    def runners(self) -> list[Process]:
        """The processes of runners, oldest first."""
        runners = [
            process
            for process in running_processes()
            if "nas_controller.supervision.runner" in process.command and str(self.database.data_dir) in process.command
        ]
        self._sessions |= {runner.session for runner in runners}
        return runners

    def runner(self) -> Process:
        """The process of the runner; waits for it."""
        return wait_for(self.runners, "a runner", FIND_SECONDS)[-1]

    def worker(self, draw: float) -> Process:
        """A worker, selected by `draw` in [0, 1); waits for one."""
        workers = wait_for(lambda: self._ray_processes(*RAY_WORKER_TITLES), "a worker", FIND_SECONDS)
        return workers[int(draw * len(workers))]

    def ray_part(self, program: str) -> Process:
        """The process of the runner's Ray with this program; waits for it."""
        return wait_for(lambda: self._ray_processes(f"/{program} "), program, FIND_SECONDS)[-1]

    def is_complete(self) -> bool:
        """Whether one runner, every part of its Ray and a worker are running."""
        if len(self.runners()) != 1:
            return False
        parts = (("/gcs_server ",), ("/raylet ",), RAY_WORKER_TITLES)
        return all(self._ray_processes(*names) for names in parts)

    def leftovers(self) -> list[str]:
        """Processes and directories of runners that still exist."""
        processes = [f"process {p.pid}: {p.command[:120]}" for p in running_processes() if p.session in self._sessions]
        directories = session_directories(self.campaign_id) if self.campaign_id else []
        return processes + [str(directory) for directory in directories]

    def end(self) -> None:
        """Stops API and supervisor with SIGTERM, as a process manager does."""
        self.supervisor.end(signal.SIGTERM)
        self.api.end(signal.SIGTERM)

    def clear(self) -> None:
        """Kills processes that have not ended by themselves, and copies the logs of the runners."""
        self.runners()
        with suppress(FileNotFoundError):  # no runner has begun
            shutil.copytree(self.database.data_dir / "logs", self.logs / "runners", dirs_exist_ok=True)
        kill(*(process.pid for process in running_processes() if process.session in self._sessions))
        self.client.close()

    def _ray_processes(self, *names: str) -> list[Process]:
        session, processes = self.runner().session, running_processes()
        return [p for p in processes if p.session == session and any(name in p.command for name in names)]

    def _is_ready(self) -> bool:
        try:
            self.client.ready()
        except (ServiceUnreachableError, ServiceRefusedError, httpx.HTTPError):
            return False
        return True

    def _unit(self, name: str) -> Unit:
        command = [sys.executable, "-m", "api.cli.main", name]
        return Unit(name, command, self.logs / f"{name}.log", cwd=ROOT, env=self.environment)
