"""How campaigns that run at once share what there is: weighted max-min fairness over workers.

A worker is a slot for one trial. Every campaign wants as many as its `parallelism`. The slots are given out one by one,
each to the campaign that has least for its share among those that want more, the oldest first among equals; so nobody
gets more than it wants, and what one leaves over the others have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True)
class Demand:
    """What a campaign wants: at most `parallelism` workers, in proportion to its `share`."""

    campaign_id: str
    parallelism: int
    share: float


@dataclass(frozen=True)
class Allotment:
    """What a campaign gets: so many workers, each with `threads` processors where they are of this machine."""

    parallelism: int
    threads: int

    def to_line(self) -> bytes:
        """The allotment as a line for the standard input of a runner."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Allotment:
        """Reads what `to_line` wrote."""
        return cls(**json.loads(line))


def allot(demands: Sequence[Demand], slots: int) -> dict[str, int]:
    """Workers for every campaign, given oldest first; 0 for those for which there is none left.

    The sum is `slots`, or what they all want where that is less.
    """
    given = {demand.campaign_id: 0 for demand in demands}
    waiting = [(0.0, age, demand) for age, demand in enumerate(demands) if demand.parallelism > 0]
    heapify(waiting)
    while waiting and slots > 0:
        _, age, demand = heappop(waiting)
        given[demand.campaign_id] += 1
        slots -= 1
        if given[demand.campaign_id] < demand.parallelism:
            heappush(waiting, (given[demand.campaign_id] / demand.share, age, demand))
    return given
