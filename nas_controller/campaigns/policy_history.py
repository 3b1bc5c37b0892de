"""How the policy of a campaign came about: snapshots over the rewards that its controller has learned from.

The record has only the latest state of a controller, so the outcomes are replayed from the seed, in the order in which
they arrived. A replay is cached and continued when rewards arrive. It takes some milliseconds a reward, so a request
replays for at most MAX_SECONDS; the next one goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from nas_controller.caches import LruCache, SingleFlightCache
from nas_controller.campaigns.search_health import entropy_share
from nas_controller.search.controller import Controller
from nas_controller.search.controller.reinforce import MovingBaseline
from nas_controller.search.proposals import Search
from nas_controller.store import CampaignRecord, ConflictError, Store
from nas_controller.store.outcome_rows import OutcomeRow
from search_space.errors import EffspineError

MAX_SNAPSHOTS = 128
MAX_REPLAYED = 20_000
"""The policy of a longer campaign is not replayed, which would keep a processor busy for minutes."""
MAX_SECONDS = 1.5
"""A request that takes longer would delay a shutdown."""
_MAX_CAMPAIGNS = 16
_ROWS_PER_READ = 200


class HistoryPendingError(EffspineError):
    """The replay of a long campaign goes on with the next request; `done` of `of` rewards are replayed."""

    def __init__(self, done: int, of: int) -> None:
        super().__init__(f"Replaying the search: {done:,} of {of:,} rewards")
        self.done, self.of = done, of


class Snapshot(NamedTuple):
    """The policy after `told` rewards [blocks][choices], the mean entropy of its rows (1 for uniform ones), and the
    mean advantage of the rewards since the snapshot before; None without any, and for searches without a policy.
    """

    told: int
    probabilities: tuple[tuple[float, ...], ...]
    entropy: float
    advantage: float | None


class _Point(NamedTuple):
    """A snapshot; its advantages as their sum and number, so that snapshots can be merged."""

    told: int
    probabilities: tuple[tuple[float, ...], ...]
    total: float
    rewards: int

    def snapshot(self) -> Snapshot:
        mean = self.total / self.rewards if self.rewards else None
        return Snapshot(self.told, self.probabilities, entropy_share(self.probabilities), mean)


class _Replay:
    """A search replayed up to the event `sequence`, with a point each time that `stride` rewards were told."""

    def __init__(self, campaign: CampaignRecord) -> None:
        self._search = Search(campaign.spec)
        self._moving: MovingBaseline | None = None
        if isinstance(self._search.controller, Controller):
            self._moving = MovingBaseline(self._search.controller.settings.baseline_decay)
        self._sequence, self._stride = 0, 1
        while campaign.trials_finished > self._stride * MAX_SNAPSHOTS:
            self._stride *= 2
        self._total, self._rewards = 0.0, 0
        self._points = [self._point()]

    def follow(self, store: Store, campaign: CampaignRecord) -> tuple[Snapshot, ...]:
        """Replays the outcomes that are new; the snapshots, the current policy last. Raises HistoryPendingError."""
        deadline = time.monotonic() + MAX_SECONDS
        while rows := store.reads.outcomes_after(campaign.id, self._sequence, _ROWS_PER_READ):
            for row in rows:
                if time.monotonic() > deadline:
                    raise HistoryPendingError(self._search.controller.told, campaign.trials_finished)
                self._learn(row)
        latest = self._point()
        points = self._points if latest.told == self._points[-1].told else [*self._points, latest]
        return tuple(point.snapshot() for point in points)

    def _learn(self, row: OutcomeRow) -> None:
        search = self._search
        value = search.objective_value(row.reward, row.latency_ratio, row.params)
        search.controller = search.updated_controller(
            row.choices, row.log_probability, row.reward, row.failed, row.latency_ratio, row.params
        )
        self._sequence = row.sequence
        if row.choices is None:
            if self._moving is not None and not row.failed:
                self._moving.start(value)
            return
        if self._moving is not None:
            self._total += self._moving.advantage(value)
            self._rewards += 1
        if search.controller.told % self._stride == 0:
            self._points.append(self._point())
            self._total, self._rewards = 0.0, 0
            if len(self._points) > MAX_SNAPSHOTS:
                self._stride *= 2
                self._points = _merged(self._points)

    def _point(self) -> _Point:
        controller = self._search.controller
        probabilities = tuple(tuple(row) for row in controller.policy_marginals())
        return _Point(controller.told, probabilities, self._total, self._rewards)


def _merged(points: Sequence[_Point]) -> list[_Point]:
    """Every other point, the first and the last one included, with the advantages of the points between them."""
    kept = points[2::2]
    between = points[1::2]
    return [points[0], *(
        point._replace(total=point.total + before.total, rewards=point.rewards + before.rewards)
        for before, point in zip(between, kept, strict=True)
    )]  # fmt: skip


_replays: LruCache[_Replay] = LruCache(_MAX_CAMPAIGNS)
_histories: SingleFlightCache[tuple[Snapshot, ...]] = SingleFlightCache(_MAX_CAMPAIGNS)


def policy_history(store: Store, campaign_id: str) -> tuple[Snapshot, ...]:
    """At most MAX_SNAPSHOTS + 1 snapshots: of the initial policy, evenly over its rewards, and of the current one.

    Raises NotFoundError, ConflictError for more than MAX_REPLAYED trials, and HistoryPendingError while a long replay
    has not reached the latest reward.
    """
    campaign = store.reads.get_campaign(campaign_id)
    if campaign.trials_finished > MAX_REPLAYED:
        raise ConflictError(
            f"campaign '{campaign_id}' has {campaign.trials_finished:,} trials; the history of a policy is "
            f"replayed for at most {MAX_REPLAYED:,}"
        )

    def follow() -> tuple[Snapshot, ...]:
        key = campaign.id, campaign.created_at
        replay = _replays.get(key) or _Replay(campaign)
        _replays.put(key, replay)
        return replay.follow(store, campaign)

    return _histories.get((campaign.id, campaign.created_at), campaign.last_event, follow)


def snapshot_at(history: Sequence[Snapshot], told: int) -> Snapshot:
    """The latest snapshot after at most `told` rewards."""
    return next((first for first, second in pairwise(history) if second.told > told), history[-1])
