"""A PostgreSQL server for tests, in a temporary directory with a socket, separate from any other server of the machine.

Its data need not survive a crash of the machine, so it never waits for a disk. Its time zone is not UTC, to detect code
that depends on the server's time zone.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

REQUIRED_VARIABLE = "EFFSPINE_REQUIRE_POSTGRESQL"
START_SECONDS = 60.0
USER = "effspine"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "timezone": "Asia/Kolkata",
}


def programs() -> Path | None:
    """The directory of the server's programs; None if it is not installed."""
    directories = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep)]
    if pg_config := shutil.which("pg_config"):
        completed = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        directories.append(Path(completed.stdout.strip() or "/nowhere"))
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: (len(path.parts[-2]), path))
    for directory in (*reversed(by_version), *directories):
        # A link to one program leads to the directory that has the others too.
        program = (directory / "initdb").resolve()
        if program.is_file() and (program.parent / "postgres").is_file():
            return program.parent
    return None


def obstacle() -> str | None:
    """Why no server can run on this machine; None if one can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (`pip install 'psycopg[binary]'`)"
    if programs() is None:
        return "no PostgreSQL server is installed (on Debian: `apt-get install postgresql`)"
    return None


def skip_without_server() -> None:
    """If no server can run, skips the current test, or fails it if EFFSPINE_REQUIRE_POSTGRESQL is 1."""
    reason = obstacle()
    if reason is not None and os.environ.get(REQUIRED_VARIABLE) == "1":
        pytest.fail(f"{REQUIRED_VARIABLE} is 1, and {reason}")
    if reason is not None:
        pytest.skip(reason)


@dataclass(frozen=True)
class Cluster:
    """A new data directory, and the command of its server with `subprocess` arguments."""

    directory: Path
    command: list[Path | str]
    popen_options: dict[str, Any]

    def url(self, database: str) -> URL:
        """The URL of a database of the cluster."""
        return URL.create("postgresql+psycopg", USER, database=database, query={"host": str(self.directory)})


@contextmanager
def new_cluster(**changes: str) -> Iterator[Cluster]:
    """A cluster with SETTINGS and these changes, removed when the block ends.

    Raises RuntimeError if there is an `obstacle()`, or if initdb fails.
    """
    bin_dir = programs()
    if bin_dir is None:
        raise RuntimeError(obstacle())
    directory = Path(tempfile.mkdtemp(prefix="effspine-postgresql-"))  # the path of a socket must be short
    user = _unprivileged_user()
    if user:
        os.chown(directory, user["user"], user["group"])
    popen_options = {**user, "cwd": directory, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    try:
        with (directory / "log").open("wb") as log:
            initdb = [bin_dir / "initdb", "--pgdata", directory / "data", "--username", USER, "--auth", "trust"]
            initdb += ["--encoding", "UTF8", "--no-locale", "--no-sync"]
            if subprocess.run(initdb, stdout=log, **popen_options).returncode != 0:
                raise RuntimeError(f"initdb fails: {(directory / 'log').read_text(errors='replace')}")
        settings = {**SETTINGS, "unix_socket_directories": str(directory), **changes}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        yield Cluster(directory, [bin_dir / "postgres", "-D", directory / "data", *options], popen_options)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class Server:
    """A running server. `fresh_database()` gives the URL of an empty database."""

    def __init__(self, cluster: Cluster, process: subprocess.Popen[bytes]) -> None:
        self.directory = cluster.directory
        self.url = cluster.url
        self.process = process
        self._numbers = itertools.count(1)
        self._engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")

    def execute(self, statement: str) -> None:
        """Runs an administrative statement, without a transaction."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of a new, empty database, which is dropped, with its connections, when the block ends."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name).render_as_string(hide_password=False)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def wait(self) -> None:
        """Waits until the server responds. Raises RuntimeError, with its log, if it has ended or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.execute("SELECT 1")
            except OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.directory / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start: {log}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        """Stops the server with SIGINT, or with SIGKILL if that takes too long."""
        self._engine.dispose()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_server() -> Iterator[Server]:
    """A server that runs until the block ends. Raises RuntimeError if it cannot start."""
    with new_cluster() as cluster:
        with (cluster.directory / "log").open("ab") as log:
            process = subprocess.Popen(cluster.command, stdout=log, start_new_session=True, **cluster.popen_options)
        server = Server(cluster, process)
        try:
            server.wait()
            yield server
        finally:
            server.stop()


def server_or_skip() -> Iterator[Server]:
    """A running server for a fixture; without its programs, skips or fails as `skip_without_server` does."""
    skip_without_server()
    with running_server() as server:
        yield server


def _unprivileged_user() -> dict[str, Any]:
    """`subprocess` arguments that select an unprivileged user; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL refuses to run as root, and there is neither a user 'postgres' nor 'nobody'")


if __name__ == "__main__":  # runs a server with one empty database until Ctrl-C or SIGTERM, and prints its URL
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running_server() as running, running.fresh_database() as database_url:
        print(database_url, flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
