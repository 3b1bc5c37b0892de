"""Ray nodes on loopback, which tests kill."""

from __future__ import annotations

import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.units import Unit

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",  # overrides the setting that restricts Ray to one machine
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
}

RAY_START = (sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats")


def set_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of every node, with a new token."""
    for name, value in {**ENVIRONMENT, "RAY_AUTH_TOKEN": secrets.token_hex(16)}.items():
        monkeypatch.setenv(name, value)


def head_of(port: int) -> tuple[str, ...]:
    """The options of a head without processors."""
    return (
        *("--head", f"--port={port}", f"--ray-client-server-port={free_port()}"),
        *("--num-cpus=0", "--include-dashboard=false", "--node-ip-address=127.0.0.1"),
    )


def node_of(address: str, cpus: int) -> tuple[str, ...]:
    """The options of a node with processors."""
    return (f"--address={address}", f"--num-cpus={cpus}", "--node-ip-address=127.0.0.1")


@contextmanager
def restarted_node(name: str, log: Path, *options: str) -> Iterator[Unit]:
    """A Ray node that is restarted whenever it ends, as by a process manager: a node ends if its head does not run yet,
    and a head if nodes of the previous head still run.
    """
    unit = Unit(name, [*RAY_START, *options], log)
    unit.start()
    try:
        yield unit
    finally:
        unit.stop()
        unit.end(signal.SIGKILL)


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
