"""When messages are sent again."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from nas_controller.webhooks.retries import next_attempt

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class NoJitter(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def schedule(days: float, chance: random.Random) -> list[float]:
    """The waits of a message whose attempts all fail at once, in seconds."""
    now, gives_up_at, waits = BEGAN, BEGAN + timedelta(days=days), []
    while (due := next_attempt(len(waits) + 1, now, gives_up_at, chance)) is not None:
        waits.append((due - now).total_seconds())
        now = due
    return waits


def test_waits_triple_up_to_six_hours_and_end_after_three_days() -> None:
    waits = schedule(3, NoJitter())
    assert waits[:8] == [5, 15, 45, 135, 405, 1215, 3645, 10935]
    assert set(waits[8:]) == {6 * 3600}
    assert len(waits) == 19
    assert sum(waits) <= 3 * 86_400 < sum(waits) + 6 * 3600


def test_jitter_spreads_messages_that_failed_together() -> None:
    first = {schedule(3, random.Random(seed))[0] for seed in range(20)}
    assert len(first) == 20
    assert all(3.75 <= wait <= 6.25 for wait in first)
