"""Claims campaigns and begins trials directly in the store, without a campaign loop."""

from __future__ import annotations

from nas_controller.store import Lease, Store
from search_space.space import CHOICES, SearchSpace
from tests.support.synthetic_campaigns import synthetic_spec

SPACE = SearchSpace()
CANDIDATES = [
    SPACE.baseline,
    *(SPACE.candidate([CHOICES[(i * k) % 5] for i in range(18)]) for k in (1, 2, 3, 4)),
]
STATE = {"weights": "AAAA", "told": 1, "baseline": 0.1 + 0.2}


def claimed(store: Store, owner: str = "runner", seconds: float = 20) -> Lease:
    campaign = store.service.create_campaign(synthetic_spec())
    return store.runner.claim(campaign.id, owner, seconds)


def begin(store: Store, lease: Lease, number: int, reused_from: int | None = None) -> None:
    store.runner.begin_trial(lease, number, CANDIDATES[number], (0,) * 18, -1.5, reused_from)
