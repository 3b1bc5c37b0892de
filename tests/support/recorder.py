"""Records campaigns as a runner would: with the real campaign loop and the synthetic reward, without workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_controller.campaigns.campaign import Campaign
from nas_controller.execution.synthetic_reward import reward as synthetic_reward
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.outcomes import Failed, Latency, Rewarded, TrialWork
from nas_controller.store import CampaignRecord, Store

OWNER = "test"
LEASE_SECONDS = 600.0
SYNTHETIC: dict[str, Any] = {"profile": "synthetic"}


class Recorder:
    """Records a campaign step by step; its outcomes are of `data`."""

    def __init__(
        self,
        store: Store,
        trials: int = 6,
        name: str = "first look",
        data: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        self.spec = CampaignSpec.model_validate({"name": name, "trials": trials, "proxy_task": SYNTHETIC, **fields})
        self.store = store
        self.data = data
        self.id = store.service.create_campaign(self.spec).id
        self._campaign: Campaign | None = None

    @property
    def campaign(self) -> Campaign:
        """The campaign loop, whose lease is claimed at the first use."""
        if self._campaign is None:
            self._campaign = Campaign(self.store, self.store.runner.claim(self.id, OWNER, LEASE_SECONDS))
        return self._campaign

    def run(self, count: int) -> Recorder:
        """Finishes trials until `count` have an outcome."""
        while self.record.trials_finished < count:
            self.finish(self.begin())
        return self

    def begin(self) -> TrialWork:
        """Begins the next trial that needs training, with a worker at once."""
        while True:
            work = self.campaign.next_trial()
            if work is not None:
                self.campaign.begun(work, 0.0)
                return work

    def finish(self, work: TrialWork, extra: float = 0.0, latency: Latency | None = None) -> None:
        """Completes a trial with its synthetic reward plus `extra`, and this latency."""
        reward = synthetic_reward(work.widths, self.campaign.base.widths) + extra
        reward = min(1.0, max(0.0, reward))
        metrics = {"ap": reward, "ap50": min(1.0, 1.6 * reward), "seconds": 1.5}
        self.campaign.complete(work, Rewarded(reward, metrics, self.data, latency=latency))

    def fail(self, work: TrialWork, error: str, kind: str = "non-finite-loss", log_tail: str | None = None) -> None:
        """Completes a trial with a failure that gives it up."""
        self.campaign.complete(work, Failed("give_up", error, kind, log_tail, self.data))

    def release(self) -> None:
        """Forgets the lease, as another runner would have it."""
        self._campaign = None

    @property
    def record(self) -> CampaignRecord:
        """The campaign's record in the store."""
        return self.store.reads.get_campaign(self.id)
