"""Redirects what Ray and its workers write to a file; Ray has no setting for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ray._private import worker as ray_worker

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def redirected(path: Path) -> Iterator[None]:
    """Until the block ends, appends to the file: output of workers, messages of Ray, log lines of both packages."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_FORMAT))
    with ExitStack() as stack:
        stack.callback(handler.close)
        for name in ("ray", "nas_controller"):
            stack.enter_context(_only(logging.getLogger(name), handler))
        stack.enter_context(_worker_output(handler))
        yield


@contextmanager
def _only(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    """Gives a logger this handler alone."""
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate


@contextmanager
def _worker_output(handler: logging.FileHandler) -> Iterator[None]:
    """Writes what Ray would print: the output of workers, and its messages about workers that died."""

    def write(data: dict[str, Any], ignore_prefix: bool) -> None:
        prefix = f"({data.get('actor_name') or ''} pid={data.get('pid')}) "
        with handler.lock or ExitStack():
            for line in data["lines"]:
                handler.stream.write(f"{prefix}{line}\n")
            handler.flush()

    original = ray_worker.print_to_stdstream
    ray_worker.print_to_stdstream = write
    try:
        yield
    finally:
        ray_worker.print_to_stdstream = original
