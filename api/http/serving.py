"""The service as a process: the port taken before anything starts, everything ended in order."""

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
from api.logs import log_to_stderr
from api.settings import Settings
from nas_controller.store import Store
from nas_controller.supervision.supervisor import Supervisor
from search_space.errors import EffspineError, InvalidValueError

KEY_COMMAND = "effspine keys create --name NAME --scope admin"

STREAMS_END_SECONDS = 2
BACKLOG = 128

log = logging.getLogger("effspine")


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say. Raises EffspineError where the port is taken."""
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
        where = f"port {settings.port} on {settings.host}"
        if error.errno == errno.EADDRINUSE:
            raise EffspineError(f"{where} is taken; stop what listens there or use another one with --port") from error
        raise EffspineError(f"cannot listen on {where}: {error.strerror}") from error
    return listener


def require_keys(settings: Settings, store: Store) -> None:
    """Raises InvalidValueError where others than this machine could reach the service and there is no key."""
    if settings.is_private or store.service.has_active_keys():
        return
    field = "allowed_hosts" if settings.allowed_hosts.strip() else "host"
    raise InvalidValueError(
        f"{field} is {getattr(settings, field)!r} and there is no API key; a service that others can reach needs one: "
        f"make it with `{KEY_COMMAND}`, or listen on this machine alone (127.0.0.1, ::1 or localhost)",
        field=field,
    )


def serve_all(settings: Settings) -> None:
    """API, dashboard and supervisor in one process, until SIGINT or SIGTERM; runners are ended with it.

    Raises EffspineError where it cannot start, and where the supervisor ends by itself.
    """
    log_to_stderr(settings.log_format)
    with listen(settings) as listener, _opened(settings) as store, _ending_signals() as ending:
        require_keys(settings, store)
        failures: list[BaseException] = []
        supervisor = threading.Thread(target=_supervise, args=(settings, ending, failures), name="supervisor")
        supervisor.start()
        try:
            _answer(settings, store, listener)
        finally:
            ending.set()
            supervisor.join()
        if failures:
            raise EffspineError(f"the supervisor has ended: {failures[0]}") from failures[0]
    log.info("ended")


def serve_api(settings: Settings) -> None:
    """API and dashboard, until SIGINT or SIGTERM. Raises EffspineError where they cannot start."""
    log_to_stderr(settings.log_format)
    with listen(settings) as listener, _opened(settings) as store, _ending_signals():
        require_keys(settings, store)
        _answer(settings, store, listener)
    log.info("ended")


def supervise(settings: Settings) -> None:
    """The supervisor, until SIGINT or SIGTERM; runners are ended with it."""
    log_to_stderr(settings.log_format)
    with _ending_signals() as ending:
        log.info("supervising the campaigns of %s", settings.data_dir)
        supervisor_of(settings).run(ending)
    log.info("ended")


def supervisor_of(settings: Settings) -> Supervisor:
    """The supervisor that the settings ask for."""
    return Supervisor(
        settings.database_url,
        settings.data_dir,
        campaigns_at_once=settings.campaigns_at_once,
        max_parallelism=settings.max_parallelism,
        ray_address=settings.ray_address or None,
        lease_seconds=settings.lease_seconds,
    )


def _supervise(settings: Settings, ending: threading.Event, failures: list[BaseException]) -> None:
    """The supervisor in a thread; where it fails, the whole service is told to end."""
    try:
        supervisor_of(settings).run(ending)
    except Exception as error:
        log.exception("the supervisor failed")
        failures.append(error)
        os.kill(os.getpid(), signal.SIGTERM)


def _answer(settings: Settings, store: Store, listener: socket.socket) -> None:
    """Answers requests until the process is told to end; open event streams are cut off then."""
    config = uvicorn.Config(
        create_app(settings, store),
        log_config=None,
        access_log=False,
        lifespan="off",
        http="h11",  # uvicorn's other one, which it takes where it finds it, has no limit to headers
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies.strip()),
        forwarded_allow_ips=settings.trusted_proxies.strip(),
        timeout_graceful_shutdown=STREAMS_END_SECONDS,
    )
    # Of threads that answer side by side each computes alone: BLAS's own spin while they wait for a processor core.
    threadpool_limits(1)
    # What is loaded by now stays: a full collection that walked through it would hold every answer up for 0.1 s.
    gc.freeze()
    log.info("serving %s; files are in %s", settings.url, settings.data_dir)
    uvicorn.Server(config).run(sockets=[listener])


def _opened(settings: Settings) -> closing[Store]:
    return closing(Store.open(settings.database_url))


@contextmanager
def _ending_signals() -> Iterator[threading.Event]:
    """An event that is set at the first SIGINT or SIGTERM, which do nothing else within the context."""
    ending = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ending.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
