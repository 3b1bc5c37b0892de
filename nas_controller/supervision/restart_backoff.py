"""Exponential backoff between the runners of a campaign that keeps failing."""

from __future__ import annotations

import time
from dataclasses import dataclass

MAX_RESTARTS = 3
FIRST_BACKOFF_SECONDS = 1.0


@dataclass
class _Failures:
    """The failures of a campaign's runners since one of them last finished a trial."""

    count: int = 0
    trials_finished: int = 0
    not_before: float = 0.0


class RestartBackoff:
    """Allows a campaign's runner to be started again after 1, 2, 4 seconds; then its restarts are exhausted."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def may_start(self, campaign_id: str) -> bool:
        """Whether the campaign may have a runner now."""
        known = self._failures.get(campaign_id)
        return known is None or time.monotonic() >= known.not_before

    def failed(self, campaign_id: str, finished_before: int, finished_now: int) -> bool:
        """Notes that a runner failed; whether the campaign may have another.

        `finished_before` and `finished_now` are the campaign's finished trials when the runner started and ended.
        """
        known = self._failures.setdefault(campaign_id, _Failures(trials_finished=finished_before))
        if finished_now > known.trials_finished:
            known.count = 0
            known.trials_finished = finished_now
        known.count += 1
        if known.count > MAX_RESTARTS:
            del self._failures[campaign_id]
            return False
        known.not_before = time.monotonic() + FIRST_BACKOFF_SECONDS * 2 ** (known.count - 1)
        return True

    def forget(self, campaign_id: str) -> None:
        """Forgets a campaign whose runner ended as it should."""
        self._failures.pop(campaign_id, None)
