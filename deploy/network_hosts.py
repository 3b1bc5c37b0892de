"""Hosts as network namespaces of this machine, for `multi_host_failures.py`. Needs root.

Each host is a network namespace with one address on an isolated bridge.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NETWORK = "10.77.0."
SECOND_NETWORK = "10.78.0."
_FIRST_ADDRESS = 2


def missing_requirement() -> str | None:
    """Why this machine cannot create such hosts, as a sentence; None where it can."""
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


@dataclass
class Network:
    """Hosts connected by a bridge; its hosts file and the files of containers are in `directory`.

    `names` maps each host to its additional names. A host in `two_networks` has an address in a second network too, to
    which its own name resolves, as it may inside a container.
    """

    directory: Path
    names: Mapping[str, Sequence[str]]
    two_networks: Sequence[str] = ()
    _prefix: str = field(default_factory=lambda: f"e{os.getpid()}")

    def __enter__(self) -> Network:
        self.directory.mkdir(parents=True, exist_ok=True)
        entries = [f"{self.address(host)} {' '.join(names)}" for host, names in self.names.items() if names]
        entries += [f"{self._own_address(host)} {host}" for host in self.names]
        (self.directory / "hosts").write_text("\n".join(("127.0.0.1 localhost", *entries, "")))
        self._ip("netns", "add", self.namespace("switch"))
        self._in_switch("link", "add", "bridge", "type", "bridge")
        self._in_switch("link", "set", "bridge", "up")
        for host in self.names:
            self._add_host(host)
        return self

    def _add_host(self, host: str) -> None:
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

    def __exit__(self, *error: object) -> None:
        for host in ("switch", *self.names):
            subprocess.run(["ip", "netns", "delete", self.namespace(host)], check=False, capture_output=True)

    def namespace(self, host: str) -> str:
        """The name of the network namespace of a host."""
        return f"{self._prefix}-{host}"

    def address(self, host: str) -> str:
        """The address of a host on the bridge."""
        return f"{NETWORK}{_FIRST_ADDRESS + list(self.names).index(host)}"

    def _own_address(self, host: str) -> str:
        address = self.address(host)
        return address.replace(NETWORK, SECOND_NETWORK) if host in self.two_networks else address

    def disconnect(self, host: str) -> None:
        """Takes the link of a host down."""
        self._in_switch("link", "set", self._port(host), "down")

    def reconnect(self, host: str) -> None:
        """Takes the link of a host up again."""
        self._in_switch("link", "set", self._port(host), "up")

    def listeners(self, host: str) -> list[str]:
        """The listening TCP sockets of a host, `ADDRESS:PORT PROGRAM`, sorted."""
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
