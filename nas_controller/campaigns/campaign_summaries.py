"""What lists show of campaigns besides their documents: the gain and how sure it is, whether the search still finds
anything, the best so far, and the newest event.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from nas_controller.caches import LruCache
from nas_controller.campaigns.gains import gain_of
from nas_controller.campaigns.search_health import failures_of, gain_error, has_collapsed, latest_events
from nas_controller.entities import CampaignSummaryDocument, GainDocument, SearchFlagsDocument
from nas_controller.search.estimated_values import FEWEST
from nas_controller.search.plateau import is_on_plateau
from nas_controller.store import CampaignRecord, NotFoundError, Store

Included = Literal["search", "spark"]
SPARK_POINTS = 40
MAX_CACHED = 2_000
"""Summaries in memory, of a few hundred bytes each; that of a campaign is computed again after its next event."""


class _Computed(NamedTuple):
    event: int
    gain: GainDocument | None
    search: SearchFlagsDocument | None = None
    best_so_far: tuple[float, ...] | None = None


class CampaignSummaries:
    """Summaries of campaigns, computed once for each state of each. Raises StoreUnavailableError."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cache: LruCache[_Computed] = LruCache(MAX_CACHED)

    def of(
        self, campaigns: Sequence[CampaignRecord], include: Collection[Included] = ()
    ) -> dict[str, CampaignSummaryDocument]:
        """The summaries by the ids of the campaigns, without those that were deleted in the meantime."""
        events = self._store.reads.last_events(campaigns)
        found = {}
        for campaign in campaigns:
            event = events.get(campaign.id)
            if event is None:
                continue
            with suppress(NotFoundError):
                computed = self._computed(campaign, include)
                found[campaign.id] = CampaignSummaryDocument(
                    last_event_at=event.at,
                    last_event_kind=event.kind,
                    gain=computed.gain,
                    search=computed.search if "search" in include else None,
                    best_so_far=computed.best_so_far if "spark" in include else None,
                )
        return found

    def _computed(self, campaign: CampaignRecord, include: Collection[Included]) -> _Computed:
        found = self._cache.get(campaign.id)
        if found is None or found.event != campaign.last_event:
            found = _Computed(campaign.last_event, gain_of(self._store, campaign))
        if "search" in include and found.search is None and campaign.trials_begun > 0:
            found = found._replace(search=_search(self._store, campaign))
        if "spark" in include and found.best_so_far is None:
            found = found._replace(best_so_far=best_so_far(self._store, campaign))
        self._cache.put(campaign.id, found)
        return found


def best_so_far(store: Store, campaign: CampaignRecord, points: int = SPARK_POINTS) -> tuple[float, ...]:
    """The highest reward after each of at most `points` evenly spaced trials with an outcome; empty before the first.

    Exact, since a sample of rewards has every trial that was better than all before it.
    """
    rows = store.reads.sample_rewards(campaign.id, points).rows
    if not rows:
        return ()
    last, found, best, index = rows[-1][0], [], -1.0, 0
    count = min(points, last + 1)
    for point in range(1, count + 1):
        until = round(point * (last + 1) / count) - 1
        while index < len(rows) and rows[index][0] <= until:
            best = max(best, rows[index][1])
            index += 1
        if best >= 0:
            found.append(round(best, 4))
    return tuple(found)


def _search(store: Store, campaign: CampaignRecord) -> SearchFlagsDocument:
    error, lately = gain_error(store, campaign), latest_events(store, campaign)
    failures = failures_of(lately)
    return SearchFlagsDocument(
        is_on_plateau=is_on_plateau(campaign.trials_since_best, campaign.trials_finished),
        has_collapsed=has_collapsed(lately),
        gain_error=None if error is None else round(error, 6),
        noise_needs=FEWEST,
        outcomes_lately=failures.outcomes,
        failed_lately=failures.failed,
        is_failing=failures.is_failing,
    )
