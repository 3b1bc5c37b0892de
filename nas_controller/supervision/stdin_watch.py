"""Ends a process when its standard input closes, since then the process that held the other end has died.

Unlike a signal of the parent this also works after `kill -9` of it.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable

HARD_END_SECONDS = 15.0

logger = logging.getLogger(__name__)


def _ignored(_line: bytes) -> None:
    """What most processes do with their input."""


def watch_stdin(on_line: Callable[[bytes], None] = _ignored, hard_end_seconds: float = HARD_END_SECONDS) -> None:
    """Calls `on_line` with each line of standard input, in a thread; when it closes, sends this process SIGTERM.

    A process that still runs after `hard_end_seconds` is ended at once.
    """
    threading.Thread(target=_watch, args=(on_line, hard_end_seconds), name="watch-stdin", daemon=True).start()


def _watch(on_line: Callable[[bytes], None], hard_end_seconds: float) -> None:
    with open(0, "rb", buffering=0, closefd=False) as lines:
        for line in lines:
            on_line(line)
    logger.info("standard input closed: the process that started this one has ended or stops it")
    os.kill(os.getpid(), signal.SIGTERM)
    # The main thread handles the signal, which native code may delay: do not wait forever.
    threading.Event().wait(hard_end_seconds)
    os._exit(128 + signal.SIGTERM)
