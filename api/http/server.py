"""The server process: binds its port before anything starts, and shuts down gracefully."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn
from threadpoolctl import threadpool_limits

from api.http.app import create_app
from api.http.graceful_server import CUT_OFF_SECONDS, GracefulServer
from api.logs import log_to_stderr
from api.settings import Settings
from nas_controller.store import Store
from nas_controller.supervision.supervisor import Supervisor
from search_space.errors import EffspineError, InvalidValueError

KEY_COMMAND = "effspine keys create --name NAME --scope admin"

SHUTDOWN_SECONDS = round(CUT_OFF_SECONDS) + 8
"""How long a request that cannot be cut off delays a shutdown."""
BACKLOG = 128

log = logging.getLogger("effspine")


def listen(settings: Settings) -> socket.socket:
    """A listening socket at the settings' host and port. Raises EffspineError if there is no such host, or if the port
    is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        address_text = f"port {settings.port} on {settings.host}"
        if error.errno == errno.EADDRINUSE:
            raise EffspineError(
                f"{address_text} is taken; stop the program that uses it, or choose another with --port"
            ) from error
        raise EffspineError(f"cannot listen on {address_text}: {error.strerror}") from error
    except UnicodeError as error:  # a part of the name is empty or longer than 63 characters
        raise InvalidValueError(f"host is {settings.host[:100]!r}; it is not a host name", field="host") from error
    return listener


def require_keys(settings: Settings, store: Store) -> None:
    """Raises InvalidValueError if other machines could reach the service and there is no key."""
    if settings.is_private or store.service.has_active_keys():
        return
    field = "allowed_hosts" if settings.allowed_hosts.strip() else "host"
    raise InvalidValueError(
        f"{field} is {getattr(settings, field)!r} and there is no API key; a service that others can reach needs one: "
        f"create it with `{KEY_COMMAND}`, or listen on loopback only (127.0.0.1, ::1 or localhost)",
        field=field,
    )


def serve_all(settings: Settings) -> None:
    """Runs API, dashboard and supervisor in one process until SIGINT or SIGTERM, which also ends the runners.

    Raises EffspineError if it cannot start, and if the supervisor fails.
    """
    log_to_stderr(settings.log_format)
    with listen(settings) as listener, _open_store(settings) as store, _stop_on_signals() as stop:
        require_keys(settings, store)
        failures: list[BaseException] = []
        supervisor = threading.Thread(target=_supervise, args=(settings, stop, failures), name="supervisor")
        supervisor.start()
        try:
            _run_server(settings, store, listener, stop)
        finally:
            stop.set()
            supervisor.join()
        if failures:
            raise EffspineError(f"the supervisor failed: {failures[0]}") from failures[0]
    log.info("stopped")


def serve_api(settings: Settings) -> None:
    """Runs API and dashboard until SIGINT or SIGTERM. Raises EffspineError if they cannot start."""
    log_to_stderr(settings.log_format)
    with listen(settings) as listener, _open_store(settings) as store, _stop_on_signals() as stop:
        require_keys(settings, store)
        _run_server(settings, store, listener, stop)
    log.info("stopped")


def supervise(settings: Settings) -> None:
    """Runs the supervisor until SIGINT or SIGTERM, which also ends the runners."""
    log_to_stderr(settings.log_format)
    with _stop_on_signals() as stop:
        log.info("supervising the campaigns of %s", settings.data_dir)
        supervisor_of(settings).run(stop)
    log.info("stopped")


def supervisor_of(settings: Settings) -> Supervisor:
    """A supervisor with these settings."""
    return Supervisor(
        settings.database_url,
        settings.data_dir,
        campaigns_at_once=settings.campaigns_at_once,
        max_parallelism=settings.max_parallelism,
        ray_address=settings.ray_address or None,
        lease_seconds=settings.lease_seconds,
        exports_limit_bytes=round(settings.exports_gib * 2**30),
        outward=settings.outward,
    )


def _supervise(settings: Settings, stop: threading.Event, failures: list[BaseException]) -> None:
    """Runs the supervisor in a thread; if it fails, the whole service stops."""
    try:
        supervisor_of(settings).run(stop)
    except Exception as error:
        log.exception("the supervisor failed")
        failures.append(error)
        os.kill(os.getpid(), signal.SIGTERM)


def _run_server(settings: Settings, store: Store, listener: socket.socket, stop: threading.Event) -> None:
    """Serves requests until SIGINT or SIGTERM, or until `stop` is set, which cuts off open event streams."""
    config = uvicorn.Config(
        create_app(settings, store),
        log_config=None,
        access_log=False,
        lifespan="off",
        http="h11",  # httptools, uvicorn's default where it is installed, does not limit the size of headers
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # Requests already run in parallel threads; idle BLAS threads would busy-wait on the cores that they need.
    threadpool_limits(1)
    # Loaded modules are never freed; scanning them in each full garbage collection would delay requests by 0.1 s.
    gc.freeze()
    log.info("serving %s; files are in %s", settings.url, settings.data_dir)
    server = GracefulServer(config)

    def end() -> None:
        stop.wait()
        server.should_exit = True

    # A signal that arrives before uvicorn handles signals itself only sets `stop`.
    threading.Thread(target=end, name="end-server", daemon=True).start()
    server.run(sockets=[listener])


def _open_store(settings: Settings) -> closing[Store]:
    return closing(Store.open(settings.database_url))


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set within the context, instead of their default effect."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
