"""Errors of a loop that polls: each is logged once, and one part of a poll does not keep the others from running."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class PollErrors:
    """Catches the errors of the parts of a poll; one that the poll before had too is not logged again."""

    def __init__(self) -> None:
        self._before: set[str] = set()
        self._now: set[str] = set()

    def next_poll(self) -> None:
        """Begins a poll."""
        self._before, self._now = self._now, set()

    @contextmanager
    def caught(self, *kinds: type[Exception]) -> Iterator[None]:
        """Ends the block at an error of these kinds and logs it."""
        try:
            yield
        except kinds as error:
            text = str(error)
            if text not in self._before | self._now:
                logger.warning("%s", text)
            self._now.add(text)
