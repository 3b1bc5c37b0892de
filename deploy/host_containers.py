"""Containers on the hosts of `network_hosts.py`, without a container engine. Needs root.

A container has process, mount, IPC and host name namespaces, fresh /tmp and /dev/shm, and a root file system that is
read-only where the compose file says so. It shares no writable file with other hosts except the data volume.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from network_hosts import Network

_FIRST_DELAY_SECONDS, _MAX_DELAY_SECONDS, _STABLE_SECONDS = 0.1, 60.0, 10.0


@dataclass(frozen=True)
class Root:
    """A root file system for containers: its `path` on this machine, the environment and the entry point of its image,
    the mount point of the data volume, and directories in /tmp of this machine that it needs.
    """

    path: Path
    environment: Mapping[str, str]
    entrypoint: Sequence[str] = ()
    data_mount: str = "/data"
    binds: Sequence[Path] = ()


@dataclass(frozen=True)
class Container:
    """A container of a compose file on a host.

    `user` and `group` are ids. `volumes` maps mount points to directories of this machine, `tmpfs` mount points to
    mount options.
    """

    name: str
    host: str
    command: Sequence[str]
    root: Root
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    group: int = 0
    read_only: bool = True
    volumes: Mapping[str, Path] = field(default_factory=dict)
    tmpfs: Mapping[str, str] = field(default_factory=lambda: {"/tmp": "mode=1777"})

    def start(self, network: Network, **options: Any) -> subprocess.Popen[bytes]:
        """Starts the container; killing the process group of the result kills all its processes."""
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc", "--uts"]
        script = self._script(network)
        command = ["nsenter", f"--net=/var/run/netns/{network.namespace(self.host)}", *namespaces, "sh", "-euc", script]
        return subprocess.Popen(command, start_new_session=True, env=self._environment(), **options)

    def run(self, network: Network, *, stdin: str = "", timeout_seconds: float = 300.0) -> str:
        """Runs the container and returns its standard output. Raises RuntimeError, with all its output, on failure."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.start(network, **pipes) as process:
            try:
                out, err = process.communicate(stdin.encode(), timeout_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode != 0:
            output = f"{err.decode()}{out.decode()}".strip()
            raise RuntimeError(f"`{shlex.join(self.command)}` on {self.host} ends with {process.returncode}: {output}")
        return out.decode()

    def execute(self, process: subprocess.Popen[bytes], command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """Runs a command in the running container `process`, as its user, like `docker compose exec`."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        first = children.read_text().split() if children.exists() else []
        if not first:
            return subprocess.CompletedProcess(list(command), 1, b"", b"it is not running")
        enter = ["nsenter", f"--target={first[0]}", "--all", "--root", "--wd"]
        command = [*enter, *self._as_user(), "/usr/bin/env", f"PATH={self._environment()['PATH']}", *command]
        return subprocess.run(command, env=self._environment(), capture_output=True, timeout=60, check=False)

    def _environment(self) -> dict[str, str]:
        return {**self.root.environment, "HOSTNAME": self.host, **self.environment}

    def _as_user(self) -> list[str]:
        options = [f"--reuid={self.user}", f"--regid={self.group}", "--clear-groups", "--no-new-privs"]
        return ["/usr/bin/setpriv", *options, *(["--bounding-set=-all", "--inh-caps=-all"] if self.user else [])]

    def _script(self, network: Network) -> str:
        """A shell script that mounts the file systems, drops all privileges and becomes the command."""
        new_root = network.directory / "roots" / self.name
        new_root.mkdir(parents=True, exist_ok=True)
        mode = "ro" if self.read_only else "rw"
        lines = [
            "export PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            f"hostname {self.host}",
            "mount --make-rprivate /",
            f"mount --bind {self.root.path} {new_root}",
            f"mount -t proc proc {new_root}/proc",
            f"mount --rbind /dev {new_root}/dev",
            f"mount -t tmpfs -o mode=1777,size=512m tmpfs {new_root}/dev/shm",
            f"mount --bind {network.directory}/hosts {new_root}/etc/hosts",
        ]
        for mount_point, options in self.tmpfs.items():
            lines.append(f"mount -t tmpfs -o {options} tmpfs {new_root}{mount_point}")
        for path in self.root.binds:
            lines += [f"mkdir -p {new_root}{path}", f"mount --bind {path} {new_root}{path}"]
        for mount_point, source in self.volumes.items():
            lines.append(f"mount --bind {source} {new_root}{mount_point}")
        lines.append(f"mount -o remount,bind,{mode} {new_root}")
        command = [*self._as_user(), "/usr/bin/env", f"PATH={self._environment()['PATH']}"]
        lines.append(f"cd {new_root}")
        lines.append(f"exec chroot . {shlex.join([*command, *self.root.entrypoint, *self.command])}")
        return "\n".join(lines)


class RestartingContainer:
    """A container that is restarted with exponential backoff whenever it ends, like `restart: unless-stopped`."""

    def __init__(self, container: Container, network: Network) -> None:
        self.container = container
        self.starts = 0
        self._network = network
        self._log = network.directory / "logs" / f"{container.name}.log"
        self._log.parent.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._restart_loop, name=container.name, daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Starts the container, if it is not running."""
        self._wanted.set()

    def is_healthy(self, test: Sequence[str]) -> bool:
        """Whether a health check succeeds, given in the form of `docker compose config`."""
        kind, *command = test
        if kind == "CMD-SHELL":
            command = ["/bin/sh", "-c", *command]
        return self._process is not None and self.container.execute(self._process, command).returncode == 0

    def kill(self) -> None:
        """Sends SIGKILL to all its processes; it stays down until `start`."""
        self._wanted.clear()
        self._kill_processes()

    def close(self) -> None:
        """Kills the container and ends the restarts."""
        self._closed.set()
        self.kill()
        self._wanted.set()
        self._thread.join()

    def _kill_processes(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _restart_loop(self) -> None:
        delay = _FIRST_DELAY_SECONDS
        while self._wanted.wait() and not self._closed.is_set():
            began = time.monotonic()
            with self._log.open("ab") as log:
                self._process = self.container.start(
                    self._network, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
                self.starts += 1
            if not self._wanted.is_set():
                self._kill_processes()
            self._process.wait()
            if time.monotonic() - began > _STABLE_SECONDS:
                delay = _FIRST_DELAY_SECONDS
            self._closed.wait(delay)
            delay = min(2 * delay, _MAX_DELAY_SECONDS)


@contextmanager
def restarting(containers: Sequence[Container], network: Network) -> Iterator[dict[str, RestartingContainer]]:
    """The containers by name, not yet started; all are killed at the end of the block."""
    found = {container.name: RestartingContainer(container, network) for container in containers}
    try:
        yield found
    finally:
        for each in found.values():
            each.close()
