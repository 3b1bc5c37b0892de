"""Redirects the output of Ray and its workers to a file; Ray has no setting for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from ray._private import worker as ray_worker

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def redirected(path: Path) -> Iterator[None]:
    """Until the block ends, appends output of workers, messages of Ray and log lines of `nas_controller` to a file."""
    with path.open("a", encoding="utf-8") as file, ExitStack() as stack:
        handler = logging.StreamHandler(file)
        handler.setFormatter(logging.Formatter(_FORMAT))
        for name in ("ray", "nas_controller"):
            stack.enter_context(_only(logging.getLogger(name), handler))
        stack.enter_context(_worker_output(file))
        yield


@contextmanager
def _only(logger: logging.Logger, handler: logging.Handler) -> Iterator[None]:
    """Replaces the handlers of a logger with this one until the block ends."""
    handlers, propagate = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate


@contextmanager
def _worker_output(file: TextIO) -> Iterator[None]:
    """Writes what Ray would print: the output of workers, and messages about workers that died."""

    def write(data: dict[str, Any], ignore_prefix: bool) -> None:
        if data.get("pid") == "autoscaler":  # it reports its state every few seconds
            return
        file.writelines(f"(process {data.get('pid')}) {line}\n" for line in data["lines"])
        file.flush()

    original = ray_worker.print_to_stdstream
    ray_worker.print_to_stdstream = write
    try:
        yield
    finally:
        ray_worker.print_to_stdstream = original
