"""Exponential backoff between the runners of a campaign that keeps failing or waiting."""

from __future__ import annotations

import time
from dataclasses import dataclass

MAX_RESTARTS = 3
FIRST_BACKOFF_SECONDS = 1.0
FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS = 2.0, 30.0


@dataclass
class _Failures:
    """The failures of a campaign's runners since it last made progress."""

    count: int = 0
    progress: int = 0
    not_before: float = 0.0


@dataclass
class _Wait:
    """How long a campaign waits between its runners while one after the other ends without progress."""

    seconds: float
    progress: int
    not_before: float


class RestartBackoff:
    """Allows a campaign's runner to restart after 1, 2 and 4 seconds, and then no more.

    A campaign that waits gets another runner after 2, 4, ... MAX_WAIT_SECONDS, without limit.
    """

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}
        self._waits: dict[str, _Wait] = {}

    def may_start(self, campaign_id: str, *, needs_workers: bool = True) -> bool:
        """Whether the campaign may have a runner now. One that is only to be paused or stopped does not wait."""
        now = time.monotonic()
        failures, wait = self._failures.get(campaign_id), self._waits.get(campaign_id)
        if failures is not None and now < failures.not_before:
            return False
        return wait is None or not needs_workers or now >= wait.not_before

    def failed(self, campaign_id: str, progress_before: int, progress_now: int) -> bool:
        """Records that a runner failed; whether the campaign may have another.

        `progress_before` and `progress_now` are those of the campaign (`CampaignRecord.progress`) when the runner
        started and ended.
        """
        failures = self._failures.setdefault(campaign_id, _Failures(progress=progress_before))
        if progress_now > failures.progress:
            failures.count = 0
            failures.progress = progress_now
        failures.count += 1
        if failures.count > MAX_RESTARTS:
            del self._failures[campaign_id]
            return False
        failures.not_before = time.monotonic() + FIRST_BACKOFF_SECONDS * 2 ** (failures.count - 1)
        return True

    def waits(self, campaign_id: str, progress_now: int) -> None:
        """Notes that a runner ended because its campaign, after this progress, has to wait."""
        known = self._waits.get(campaign_id)
        seconds = FIRST_WAIT_SECONDS
        if known is not None and known.progress == progress_now:
            seconds = min(2 * known.seconds, MAX_WAIT_SECONDS)
        self._waits[campaign_id] = _Wait(seconds, progress_now, time.monotonic() + seconds)

    def forget(self, campaign_id: str) -> None:
        """Resets the failures of a campaign whose runner ended normally."""
        self._failures.pop(campaign_id, None)
        self._waits.pop(campaign_id, None)
