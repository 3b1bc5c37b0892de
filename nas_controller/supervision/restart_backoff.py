"""Exponential backoff between the runners of a campaign that keeps failing."""

from __future__ import annotations

import time
from dataclasses import dataclass

MAX_RESTARTS = 3
FIRST_BACKOFF_SECONDS = 1.0


@dataclass
class _Failures:
    """The failures of a campaign's runners since the latest finished trial."""

    count: int = 0
    trials_finished: int = 0
    not_before: float = 0.0


class RestartBackoff:
    """Allows a campaign's runner to restart after 1, 2 and 4 seconds, and then no more."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def may_start(self, campaign_id: str) -> bool:
        """Whether the campaign may have a runner now."""
        failures = self._failures.get(campaign_id)
        return failures is None or time.monotonic() >= failures.not_before

    def failed(self, campaign_id: str, finished_before: int, finished_now: int) -> bool:
        """Records that a runner failed; whether the campaign may have another.

        `finished_before` and `finished_now` are the campaign's finished trials when the runner started and ended.
        """
        failures = self._failures.setdefault(campaign_id, _Failures(trials_finished=finished_before))
        if finished_now > failures.trials_finished:
            failures.count = 0
            failures.trials_finished = finished_now
        failures.count += 1
        if failures.count > MAX_RESTARTS:
            del self._failures[campaign_id]
            return False
        failures.not_before = time.monotonic() + FIRST_BACKOFF_SECONDS * 2 ** (failures.count - 1)
        return True

    def forget(self, campaign_id: str) -> None:
        """Resets the failures of a campaign whose runner ended normally."""
        self._failures.pop(campaign_id, None)
