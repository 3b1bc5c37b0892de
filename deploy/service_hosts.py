"""The services of docker-compose.yml on four hosts, for `multi_host_failures.py`.

PostgreSQL is that of this machine; a few steps in `_create_database` replace the entry point of its image.
"""

from __future__ import annotations

import os
import pwd
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from compose_project import REPOSITORY, compose_services, image_entrypoint, image_environment, postgresql_dir
from host_containers import Container, RestartingContainer, Root, restarting
from network_hosts import Network

HOSTS = {"control": ("postgres", "api", "supervisor"), "hub": ("head",), "worker-1": (), "worker-2": ()}
SERVICE_HOSTS = {"postgres": "control", "api": "control", "supervisor": "control", "head": "hub"}
READY_SECONDS = 180.0


class HostTestFailedError(Exception):
    """The service did not behave as expected."""


class ServiceHosts:
    """The service on hosts; data, root file systems and logs are in `directory`.

    `image` is the root file system of the built image; with None, the programs of this machine run instead.
    """

    def __init__(self, directory: Path, image: Path | None) -> None:
        self._directory = directory
        self._image = image
        self._password = secrets.token_hex(32)
        self.services = compose_services({"POSTGRES_PASSWORD": self._password, "RAY_AUTH_TOKEN": secrets.token_hex(32)})
        self._root = self._service_root()
        self.network = Network(directory / "network", HOSTS, ["control"])
        self.containers: dict[str, RestartingContainer] = {}
        self._api_key = ""

    @contextmanager
    def created(self) -> Iterator[None]:
        """Creates network, database and containers (not started); removes network and containers at the end."""
        with self.network:
            self._create_database()
            containers = [self.container(service, service) for service in ("postgres", "api", "supervisor", "head")]
            containers += [self.container("worker", host) for host in ("worker-1", "worker-2")]
            with restarting(containers, self.network) as self.containers:
                yield

    def start(self) -> None:
        """Starts all containers in the order of the compose file and creates an API key.

        Raises HostTestFailedError where a container does not become healthy.
        """
        for name in ("postgres", "head"):
            self.containers[name].start()
        self._wait_healthy("postgres")
        self._api_key = self.run("api", ["effspine", "keys", "create", "--name", "test", "--scope", "admin"]).strip()
        self._wait_healthy("head")
        for name in ("api", "supervisor", "worker-1", "worker-2"):
            self.containers[name].start()
        for name in ("api", "supervisor", "worker-1", "worker-2"):
            self._wait_healthy(name)

    def container(self, service: str, name: str) -> Container:
        """A container called `name` of a compose service, on the host of the service."""
        config = self.services[service]
        environment = {key: value or "" for key, value in config.get("environment", {}).items()}
        tmpfs = dict(mount.split(":", 1) for mount in config["tmpfs"])
        host = SERVICE_HOSTS.get(service, name)
        if service == "postgres":
            owner = pwd.getpwnam("postgres")
            root = Root(Path("/"), {"PATH": f"{postgresql_dir()}:/usr/bin:/bin", "PGDATA": "/mnt"})
            volumes = {"/mnt": self._directory / "database"}
            tmpfs = {"/tmp": tmpfs["/tmp"]}
            return Container(
                name, host, config["command"], root, environment, owner.pw_uid, owner.pw_gid, True, volumes, tmpfs
            )
        user, group = (int(part) for part in config["user"].split(":")) if self._image else (0, 0)
        volume = self._directory / "data"
        volume.mkdir(exist_ok=True)
        os.chown(volume, user, group)
        volumes = {self._root.data_mount: volume} if config.get("volumes") else {}
        read_only = bool(config["read_only"])
        return Container(name, host, config["command"], self._root, environment, user, group, read_only, volumes, tmpfs)

    def run(self, service: str, command: Sequence[str], *, stdin: str = "", with_key: bool = True) -> str:
        """The output of a command in a new container, like `docker compose run --rm`.

        Raises RuntimeError where the command fails.
        """
        container = self.container(service, f"{service}-once")
        key = {"EFFSPINE_API_KEY": self._api_key if with_key else ""}
        once = replace(container, command=command, environment={**container.environment, **key})
        return once.run(self.network, stdin=stdin)

    def sql(self, statement: str) -> list[list[str]]:
        """The rows of a query, sent over the network as the database user of the service."""
        config = self.services["postgres"]["environment"]
        target = ["--host", "postgres", "--username", config["POSTGRES_USER"], "--dbname", config["POSTGRES_DB"]]
        out = self.run_postgresql(["psql", *target, "--no-psqlrc", "--csv", "--tuples-only", "--command", statement])
        return [line.split(",") for line in out.splitlines()]

    def run_postgresql(self, command: Sequence[str]) -> str:
        """The output of a PostgreSQL program in a new container. Raises RuntimeError where it fails."""
        container = self.container("postgres", "postgres-once")
        return replace(container, command=command, environment={"PGPASSWORD": self._password}).run(self.network)

    def _service_root(self) -> Root:
        if self._image is not None:
            return Root(self._image, image_environment(), image_entrypoint())
        environment = {
            **image_environment(),
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(REPOSITORY),
            "EFFSPINE_DATA_DIR": "/mnt",
        }
        binds = [path for path in {REPOSITORY, Path(sys.prefix)} if path.is_relative_to("/tmp")]
        return Root(Path("/"), environment, data_mount="/mnt", binds=binds)

    def _create_database(self) -> None:
        """The steps of the entry point of the PostgreSQL image at its first start."""
        owner, environment = pwd.getpwnam("postgres"), self.services["postgres"]["environment"]
        database_dir = self._directory / "database"
        database_dir.mkdir(mode=0o700)
        os.chown(database_dir, owner.pw_uid, owner.pw_gid)
        script = (
            'printf "%s" "$POSTGRES_PASSWORD" >/tmp/password\n'
            'initdb --username="$POSTGRES_USER" --pwfile=/tmp/password $POSTGRES_INITDB_ARGS >/dev/null\n'
            "echo \"listen_addresses = '*'\nunix_socket_directories = '/tmp'\" >>/mnt/postgresql.conf\n"
            "echo 'host all all all scram-sha-256' >>/mnt/pg_hba.conf\n"
            'echo "CREATE DATABASE $POSTGRES_DB;" | postgres --single -j postgres >/dev/null\n'
        )
        container = self.container("postgres", "create-database")
        replace(container, command=["sh", "-euc", script], environment=environment).run(self.network)

    def _wait_healthy(self, name: str) -> None:
        test = self.services["worker" if name.startswith("worker") else name]["healthcheck"]["test"]
        wait_for(lambda: self.containers[name].is_healthy(test), READY_SECONDS, f"{name} does not become healthy")


def wait_for(condition: Callable[[], bool], timeout_seconds: float, failure: str) -> None:
    """Waits until the condition is true. Raises HostTestFailedError(failure) after the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            raise HostTestFailedError(f"{failure} within {timeout_seconds:.0f} s")
        time.sleep(1.0)
