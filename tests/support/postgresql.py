"""A PostgreSQL server of the tests' own, in a temporary folder and on a socket there: nobody else reaches it, and it
touches no server that is installed to run.

Nothing that it keeps must survive a crash of the machine, so it never waits for a disk. Its time zone is not UTC, so
that a time which relies on the server's is found out.
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
    """The folder with the server's programs; None where none is installed."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    if pg_config := shutil.which("pg_config"):
        found = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        folders.append(Path(found.stdout.strip() or "/nowhere"))
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: (len(folder.parts[-2]), folder))
    for folder in (*reversed(by_version), *folders):
        # A link to a program elsewhere leads to the folder that has the others too.
        program = (folder / "initdb").resolve()
        if program.is_file() and (program.parent / "postgres").is_file():
            return program.parent
    return None


def why_not() -> str | None:
    """Why there can be no server here; None where there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (`pip install 'psycopg[binary]'`)"
    if programs() is None:
        return "no PostgreSQL server is installed (on Debian: `apt-get install postgresql`)"
    return None


def skip_without_server() -> None:
    """Skips the test that runs where there can be no server, or fails it where the variable says that there must be."""
    reason = why_not()
    if reason is not None and os.environ.get(REQUIRED_VARIABLE) == "1":
        pytest.fail(f"{REQUIRED_VARIABLE} is 1, and {reason}")
    if reason is not None:
        pytest.skip(reason)


@dataclass(frozen=True)
class Cluster:
    """A new data folder, with what starts a server on it: the command, and arguments of `subprocess`."""

    folder: Path
    command: list[Path | str]
    how: dict[str, Any]

    def url(self, database: str) -> URL:
        """The URL of one of its databases."""
        return URL.create("postgresql+psycopg", USER, database=database, query={"host": str(self.folder)})


@contextmanager
def new_cluster(**changes: str) -> Iterator[Cluster]:
    """A cluster with SETTINGS, but for these changes, removed when the block ends.

    Raises RuntimeError where `why_not()` has a reason, or it cannot be made.
    """
    bin_folder = programs()
    if bin_folder is None:
        raise RuntimeError(why_not())
    folder = Path(tempfile.mkdtemp(prefix="effspine-postgresql-"))  # the path of a socket may not be long
    somebody = _somebody()
    if somebody:
        os.chown(folder, somebody["user"], somebody["group"])
    how: dict[str, Any] = {**somebody, "cwd": folder, "stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    try:
        with (folder / "log").open("wb") as log:
            make = [bin_folder / "initdb", "--pgdata", folder / "data", "--username", USER, "--auth", "trust"]
            made = subprocess.run([*make, "--encoding", "UTF8", "--no-locale", "--no-sync"], stdout=log, **how)
            if made.returncode != 0:
                raise RuntimeError(f"initdb fails: {(folder / 'log').read_text(errors='replace')}")
        settings = {**SETTINGS, "unix_socket_directories": str(folder), **changes}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        yield Cluster(folder, [bin_folder / "postgres", "-D", folder / "data", *options], how)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """A running server. `fresh_database()` gives the URL of an empty database."""

    def __init__(self, cluster: Cluster, process: subprocess.Popen[bytes]) -> None:
        self.folder = cluster.folder
        self.url = cluster.url
        self.process = process
        self._numbers = itertools.count(1)
        self._engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")

    def execute(self, statement: str) -> None:
        """Runs a statement of an administrator's, in no transaction."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(statement)

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """The URL of a new and empty database, which goes, with whoever is still connected, when the block ends."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name).render_as_string(hide_password=False)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def wait(self) -> None:
        """Returns once it answers. Raises RuntimeError, with its log, where it has ended or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.execute("SELECT 1")
            except OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start: {log}") from error
                time.sleep(0.05)

    def stop(self) -> None:
        """Ends it: asked first, killed where it does not listen."""
        self._engine.dispose()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running_server() -> Iterator[Server]:
    """A server for the time of the block. Raises RuntimeError where `why_not()` has a reason, or it does not start."""
    with new_cluster() as cluster:
        with (cluster.folder / "log").open("ab") as log:
            process = subprocess.Popen(cluster.command, stdout=log, start_new_session=True, **cluster.how)
        server = Server(cluster, process)
        try:
            server.wait()
            yield server
        finally:
            server.stop()


def server_or_skip() -> Iterator[Server]:
    """A running server for a fixture; without its programs, as `skip_without_server`."""
    skip_without_server()
    with running_server() as server:
        yield server


def _somebody() -> dict[str, Any]:
    """Whom to run it as, as arguments of `subprocess`: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL refuses to run as root, and there is neither a user 'postgres' nor 'nobody'")


if __name__ == "__main__":  # a server with one empty database, by hand: prints its URL, and ends with Ctrl-C or SIGTERM
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with running_server() as by_hand, by_hand.fresh_database() as its_url:
        print(its_url, flush=True)
        with suppress(KeyboardInterrupt):
            signal.pause()
