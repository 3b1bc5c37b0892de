"""A server in a thread of the test's process, so that a test can change what the service does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from api.http.graceful_server import GracefulServer
from tests.support.command_line import free_port


@contextmanager
def serving(app: FastAPI) -> Iterator[tuple[str, GracefulServer]]:
    """The URL of the application on a free port of 127.0.0.1, and its server, which stops at the end."""
    port = free_port()
    server = GracefulServer(uvicorn.Config(app, port=port, log_config=None, access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join()
