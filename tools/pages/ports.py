"""Free ports of this machine."""

from __future__ import annotations

import socket

from api.settings import DEFAULT_HOST


def free_port() -> int:
    """A port of the loopback interface that nothing uses."""
    with socket.socket() as probe:
        probe.bind((DEFAULT_HOST, 0))
        return int(probe.getsockname()[1])
