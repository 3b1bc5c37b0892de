"""The two databases that the service is tested on, and the ways in which each can fail."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

import psycopg

from nas_controller.store import sqlite_url
from tests.chaos.units import Unit
from tests.support.postgresql import USER, Cluster, new_cluster, programs
from tests.support.process_table import descendant_pids, frozen
from tests.support.waiting import wait_for

DatabaseName = Literal["postgresql", "sqlite"]
NAME = "chaos"
DISK_BYTES = 256 * 2**20
START_SECONDS = 60.0
TO_DISK = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
"""Makes every acknowledged write durable, so that a kill of the server loses none."""


class Database(Protocol):
    """The database of a run. `can` has the requirements of faults that it meets."""

    url: str
    data_dir: Path
    can: frozenset[str]

    def make_unavailable(self, seconds: float) -> None:
        """Makes the database refuse writes for this time."""

    def damage(self) -> str:
        """The damage that the database's own check finds; empty if there is none."""


class Postgresql:
    """A PostgreSQL server that is restarted whenever it ends."""

    can = frozenset({"postgresql"})

    def __init__(self, cluster: Cluster, data_dir: Path) -> None:
        self.url = cluster.url(NAME).render_as_string(hide_password=False)
        self.data_dir = data_dir
        self._cluster = cluster
        self._unit = Unit(
            "postgresql", [str(part) for part in cluster.command], cluster.directory / "log", **cluster.popen_options
        )

    def start(self) -> None:
        """Starts the server and creates its database."""
        self._unit.start()
        wait_for(self._is_ready, "PostgreSQL", START_SECONDS)
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {NAME}".encode())

    def end(self) -> None:
        """Ends the server."""
        self._unit.end(signal.SIGINT)

    def kill(self) -> None:
        """Sends SIGKILL to the server and all its processes; it is restarted and recovers from its log."""
        self._unit.kill_all()

    def freeze(self, seconds: float) -> None:
        """Suspends the server and all its processes for this time."""
        with frozen(self._unit.pid, *descendant_pids(self._unit.pid)):
            time.sleep(seconds)

    def make_unavailable(self, seconds: float) -> None:
        """Stops the server for this time."""
        self._unit.stop()
        time.sleep(seconds)
        self._unit.start()

    def damage(self) -> str:
        """The damage that `pg_amcheck` finds in tables and indexes."""
        bin_dir = programs()
        assert bin_dir is not None
        check = [bin_dir / "pg_amcheck", "--install-missing", "--heapallindexed", "-h", self._cluster.directory]
        completed = subprocess.run([*check, "-U", USER, NAME], capture_output=True, text=True, timeout=300, check=False)
        return "" if completed.returncode == 0 else completed.stdout + completed.stderr

    def _is_ready(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self._conninfo("postgres")):
            return True
        return False

    def _conninfo(self, database: str) -> str:
        return f"host={self._cluster.directory} user={USER} dbname={database}"


class Sqlite:
    """A file in the data directory, which is a separate small disk if one can be mounted."""

    def __init__(self, data_dir: Path, has_small_disk: bool) -> None:
        self.data_dir = data_dir
        self.can = frozenset({"sqlite", "disk"} if has_small_disk else {"sqlite"})
        self._path = data_dir / "effspine.db"
        self.url = sqlite_url(self._path)

    def make_unavailable(self, seconds: float) -> None:
        """Locks the file from another connection for this time."""
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=60)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    def fill_disk(self, seconds: float) -> None:
        """Keeps the disk of the data directory full for this time, even if space is freed."""
        ballast = self.data_dir / "ballast"
        deadline = time.monotonic() + seconds
        try:
            with ballast.open("ab", buffering=0) as file:
                while time.monotonic() < deadline:
                    with suppress(OSError):
                        while file.write(bytes(2**16)):
                            pass
                    time.sleep(0.02)
        finally:
            ballast.unlink(missing_ok=True)

    def damage(self) -> str:
        """The damage that SQLite finds in the file and its references."""
        with closing(sqlite3.connect(self._path)) as connection:
            found = [*connection.execute("PRAGMA integrity_check"), *connection.execute("PRAGMA foreign_key_check")]
        return "" if found == [("ok",)] else "\n".join(map(str, found))


@contextmanager
def running(name: DatabaseName) -> Iterator[Database]:
    """A new database and data directory, removed when the block ends."""
    directory = Path(tempfile.mkdtemp(prefix="effspine-chaos-"))
    data_dir = directory / "data"
    data_dir.mkdir()
    try:
        if name == "sqlite":
            with _small_disk(data_dir) as has_small_disk:
                yield Sqlite(data_dir, has_small_disk)
        else:
            with new_cluster(**TO_DISK) as cluster:
                server = Postgresql(cluster, data_dir)
                try:
                    server.start()
                    yield server
                finally:
                    server.end()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _small_disk(directory: Path) -> Iterator[bool]:
    """Mounts a disk of DISK_BYTES on a directory; yields False if that is not permitted."""
    if os.geteuid() != 0:
        yield False
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "effspine-chaos", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)
