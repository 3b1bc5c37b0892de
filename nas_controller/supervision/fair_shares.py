"""Shares workers among running campaigns: weighted max-min fairness.

A worker is a slot for one trial, and a campaign wants as many as its `parallelism`. Slots are allotted one by one. Each
goes to the campaign that has the fewest in proportion to its share among those that want more, or to the oldest of
several. So no campaign gets more than it wants, and others get what one leaves.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True)
class Demand:
    """The demand of a campaign: at most `parallelism` workers, in proportion to its `share`."""

    campaign_id: str
    parallelism: int
    share: float


@dataclass(frozen=True)
class Allotment:
    """The workers of a campaign: `parallelism` many, each with `threads` processors if they are on this machine."""

    parallelism: int
    threads: int

    def to_line(self) -> bytes:
        """The allotment as a line for the standard input of a runner."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Allotment:
        """The allotment in a line of `to_line`."""
        return cls(**json.loads(line))


def allot(demands: Sequence[Demand], slots: int) -> dict[str, int]:
    """The number of workers of each campaign; `demands` are ordered oldest first.

    The sum is `slots`, or the total demand if that is less.
    """
    allotted = {demand.campaign_id: 0 for demand in demands}
    waiting = [(0.0, age, demand) for age, demand in enumerate(demands) if demand.parallelism > 0]
    heapify(waiting)
    while waiting and slots > 0:
        _, age, demand = heappop(waiting)
        allotted[demand.campaign_id] += 1
        slots -= 1
        if allotted[demand.campaign_id] < demand.parallelism:
            heappush(waiting, (allotted[demand.campaign_id] / demand.share, age, demand))
    return allotted
