"""Work that a supervisor does beside its campaigns, in a thread of its own, whose failures never harm them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from nas_controller.store import StoreUnavailableError

logger = logging.getLogger(__name__)


class BackgroundLoop:
    """Calls `step` again and again; after one that had nothing to do, or failed, it waits for `poll_seconds`."""

    def __init__(self, name: str, step: Callable[[], bool], poll_seconds: float) -> None:
        self._name = name
        self._step = step
        self._poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._last_error = ""
        # A daemon: a file system or a server that hangs must not keep the supervisor from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Ends the thread after its current step, or leaves it behind after the timeout."""
        self._stop.set()
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            logger.warning("%s: still busy; what it does is done again at the next start", self._name)

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self._has_worked():
                self._stop.wait(self._poll_seconds)

    def _has_worked(self) -> bool:
        try:
            worked = self._step()
        except Exception as error:
            if self._stop.is_set():  # the store is closed
                return False
            if str(error) != self._last_error:  # logged once, not on every poll
                self._last_error = str(error)
                is_expected = isinstance(error, StoreUnavailableError | OSError)
                logger.warning("%s: %s", self._name, error or type(error).__name__, exc_info=not is_expected)
            return False
        self._last_error = ""
        return worked
