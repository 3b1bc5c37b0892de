"""Hosts in network namespaces of this machine, and services on them as containers would run: for `prove_hosts.py`.

A host is a network namespace with one address on a bridge that leads nowhere else. A service on it has process, mount,
IPC and host name namespaces of its own: it sees its own processes alone, a root file system that is read-only where the
compose file says so, fresh /tmp and /dev/shm, and of the machine's files nothing that another host could change but the
data volume. Needs root.
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

NETWORK = "10.77.0."
SECOND_NETWORK = "10.78.0."
_FIRST_ADDRESS = 2
_FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS, _STEADY_SECONDS = 0.1, 60.0, 10.0


def why_not() -> str | None:
    """Why there can be no hosts here; None where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        subprocess.run(["ip", "netns", "list"], check=True, capture_output=True)
        subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=True, capture_output=True)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed (on Debian: iproute2, util-linux)"
    except subprocess.CalledProcessError as error:
        return f"`{shlex.join(error.cmd)}` fails: {error.stderr.decode().strip()}"
    return None


@dataclass(frozen=True)
class Root:
    """A root file system for services: `path` on this machine, the environment and the entry point that it sets, where
    in it the data volume goes, and folders of this machine's /tmp that it needs.
    """

    path: Path
    environment: Mapping[str, str]
    entrypoint: Sequence[str] = ()
    data_place: str = "/data"
    binds: Sequence[Path] = ()


@dataclass
class Network:
    """The hosts and the bridge between them; `folder` keeps root file systems and logs."""

    folder: Path
    names: Mapping[str, Sequence[str]]
    """Of each host, the names that it is called by beside its own."""
    two_networks: Sequence[str] = ()
    """Hosts that are in a second network too, whose address their own name stands for, as it may in a container."""
    _prefix: str = field(default_factory=lambda: f"e{os.getpid()}")

    def __enter__(self) -> Network:
        self.folder.mkdir(parents=True, exist_ok=True)
        entries = [f"{self.address(host)} {' '.join(names)}" for host, names in self.names.items() if names]
        entries += [f"{self._own_address(host)} {host}" for host in self.names]
        (self.folder / "hosts").write_text("\n".join(("127.0.0.1 localhost", *entries, "")))
        self._ip("netns", "add", self.namespace("switch"))
        self._in_switch("link", "add", "bridge", "type", "bridge")
        self._in_switch("link", "set", "bridge", "up")
        for host in self.names:
            space, port = self.namespace(host), self._port(host)
            self._ip("netns", "add", space)
            self._in_switch("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
            self._in_switch("link", "set", port, "master", "bridge")
            self._in_switch("link", "set", port, "up")
            self._ip("-n", space, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
            devices = ["lo", "eth0"]
            if host in self.two_networks:
                self._ip("-n", space, "link", "add", "eth1", "type", "bridge")
                self._ip("-n", space, "address", "add", f"{self._own_address(host)}/24", "dev", "eth1")
                devices.append("eth1")
            for device in devices:
                self._ip("-n", space, "link", "set", device, "up")
        return self

    def __exit__(self, *error: object) -> None:
        for host in ("switch", *self.names):
            subprocess.run(["ip", "netns", "delete", self.namespace(host)], check=False, capture_output=True)

    def namespace(self, host: str) -> str:
        """The name of a host's network namespace."""
        return f"{self._prefix}-{host}"

    def address(self, host: str) -> str:
        """The address of a host."""
        return f"{NETWORK}{_FIRST_ADDRESS + list(self.names).index(host)}"

    def _own_address(self, host: str) -> str:
        address = self.address(host)
        return address.replace(NETWORK, SECOND_NETWORK) if host in self.two_networks else address

    def cut_off(self, host: str) -> None:
        """Takes the host's cable out."""
        self._in_switch("link", "set", self._port(host), "down")

    def reconnect(self, host: str) -> None:
        """Puts the host's cable back."""
        self._in_switch("link", "set", self._port(host), "up")

    def listeners(self, host: str) -> list[str]:
        """What listens for TCP on the host: address, port and program."""
        command = ["ip", "netns", "exec", self.namespace(host), "ss", "-Hltnp"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        found = []
        for line in lines:
            parts = line.split()
            program = parts[5].split('"')[1] if len(parts) > 5 else "?"
            found.append(f"{parts[3]} {program}")
        return sorted(found)

    def _port(self, host: str) -> str:
        return f"p{list(self.names).index(host)}"

    def _in_switch(self, *arguments: str) -> None:
        self._ip("-n", self.namespace("switch"), *arguments)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True)


@dataclass(frozen=True)
class Container:
    """What runs where and how, as a compose file says it; `user` and `group` are ids."""

    name: str
    host: str
    command: Sequence[str]
    root: Root
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int = 0
    group: int = 0
    read_only: bool = True
    writable: Mapping[str, Path] = field(default_factory=dict)
    """Folders of this machine by where they are mounted."""
    tmpfs: Mapping[str, str] = field(default_factory=lambda: {"/tmp": "mode=1777"})
    """Mount options by place."""

    def start(self, network: Network, **how: Any) -> subprocess.Popen[bytes]:
        """A process that is the container: when its group is killed, all that runs in it is."""
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc", "--uts"]
        script = self._script(network)
        command = ["nsenter", f"--net=/var/run/netns/{network.namespace(self.host)}", *namespaces, "sh", "-euc", script]
        return subprocess.Popen(command, start_new_session=True, env=self._environment(), **how)

    def run(self, network: Network, *, stdin: str = "", timeout_seconds: float = 300.0) -> str:
        """What it writes to standard output. Raises RuntimeError, with all that it wrote, where it fails."""
        how = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.start(network, **how) as process:
            try:
                out, err = process.communicate(stdin.encode(), timeout_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode != 0:
            said = f"{err.decode()}{out.decode()}".strip()
            raise RuntimeError(f"`{shlex.join(self.command)}` on {self.host} ends with {process.returncode}: {said}")
        return out.decode()

    def inside(self, process: subprocess.Popen[bytes], command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        """Runs a command in the container that `process` is, as its user, like `docker compose exec`."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        first = children.read_text().split() if children.exists() else []
        if not first:
            return subprocess.CompletedProcess(list(command), 1, b"", b"it does not run")
        enter = ["nsenter", f"--target={first[0]}", "--all", "--root", "--wd"]
        command = [*enter, *self._as_user(), "/usr/bin/env", f"PATH={self._environment()['PATH']}", *command]
        return subprocess.run(command, env=self._environment(), capture_output=True, timeout=60, check=False)

    def _environment(self) -> dict[str, str]:
        return {**self.root.environment, "HOSTNAME": self.host, **self.environment}

    def _as_user(self) -> list[str]:
        rights = [f"--reuid={self.user}", f"--regid={self.group}", "--clear-groups", "--no-new-privs"]
        return ["/usr/bin/setpriv", *rights, *(["--bounding-set=-all", "--inh-caps=-all"] if self.user else [])]

    def _script(self, network: Network) -> str:
        """Mounts what the container sees, gives all rights up and becomes its command."""
        new = network.folder / "roots" / self.name
        new.mkdir(parents=True, exist_ok=True)
        mode = "ro" if self.read_only else "rw"
        lines = [
            "export PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            f"hostname {self.host}",
            "mount --make-rprivate /",
            f"mount --bind {self.root.path} {new}",
            f"mount -t proc proc {new}/proc",
            f"mount --rbind /dev {new}/dev",
            f"mount -t tmpfs -o mode=1777,size=512m tmpfs {new}/dev/shm",
            f"mount --bind {network.folder}/hosts {new}/etc/hosts",
        ]
        for place, options in self.tmpfs.items():
            lines.append(f"mount -t tmpfs -o {options} tmpfs {new}{place}")
        for path in self.root.binds:
            lines += [f"mkdir -p {new}{path}", f"mount --bind {path} {new}{path}"]
        for place, source in self.writable.items():
            lines.append(f"mount --bind {source} {new}{place}")
        lines.append(f"mount -o remount,bind,{mode} {new}")
        command = [*self._as_user(), "/usr/bin/env", f"PATH={self._environment()['PATH']}"]
        lines.append(f"cd {new}")
        lines.append(f"exec chroot . {shlex.join([*command, *self.root.entrypoint, *self.command])}")
        return "\n".join(lines)


class Restarted:
    """A container that is started again whenever it ends, as `restart: unless-stopped` does."""

    def __init__(self, container: Container, network: Network) -> None:
        self.container = container
        self.starts = 0
        self._network = network
        self._log = network.folder / "logs" / f"{container.name}.log"
        self._log.parent.mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=container.name, daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Starts it, if it does not run."""
        self._wanted.set()

    def is_healthy(self, test: Sequence[str]) -> bool:
        """Whether the health check of a compose file, as `docker compose config` shows it, succeeds."""
        kind, *command = test
        if kind == "CMD-SHELL":
            command = ["/bin/sh", "-c", *command]
        return self._process is not None and self.container.inside(self._process, command).returncode == 0

    def kill(self) -> None:
        """SIGKILLs all that runs in it; it stays down until `start`."""
        self._wanted.clear()
        self._signal(signal.SIGKILL)

    def end(self) -> None:
        """Kills it for good."""
        self._over.set()
        self.kill()
        self._wanted.set()
        self._thread.join()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _keep(self) -> None:
        wait = _FIRST_WAIT_SECONDS
        while self._wanted.wait() and not self._over.is_set():
            began = time.monotonic()
            with self._log.open("ab") as log:
                self._process = self.container.start(
                    self._network, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
                self.starts += 1
            if not self._wanted.is_set():
                self._signal(signal.SIGKILL)
            self._process.wait()
            if time.monotonic() - began > _STEADY_SECONDS:
                wait = _FIRST_WAIT_SECONDS
            self._over.wait(wait)
            wait = min(2 * wait, _MAX_WAIT_SECONDS)


@contextmanager
def running(containers: Sequence[Container], network: Network) -> Iterator[dict[str, Restarted]]:
    """The containers by name, none started yet; all are killed when the block ends."""
    kept = {container.name: Restarted(container, network) for container in containers}
    try:
        yield kept
    finally:
        for each in kept.values():
            each.end()
