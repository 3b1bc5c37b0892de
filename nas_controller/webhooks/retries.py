"""When a message is sent again: exponential backoff with jitter, for a bounded time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

FIRST_SECONDS = 5.0
FACTOR = 3.0
LONGEST_SECONDS = 6 * 3600.0
JITTER = 0.25
"""Each wait is longer or shorter by up to this share, so that messages that failed together are not sent together."""


def next_attempt(attempt: int, now: datetime, gives_up_at: datetime, chance: random.Random) -> datetime | None:
    """When the attempt after the failed one number `attempt` begins; None if the message is given up."""
    wait = min(LONGEST_SECONDS, FIRST_SECONDS * FACTOR ** min(attempt - 1, 20))
    due = now + timedelta(seconds=wait * chance.uniform(1 - JITTER, 1 + JITTER))
    return due if due <= gives_up_at else None
