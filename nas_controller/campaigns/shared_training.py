"""The training of a campaign's shared weights, as the first work of its workers.

A proxy task of kind shared scores slices of one wide network. An executor trains it before the first trial: one worker,
with all processors that the campaign has. An attempt that is lost with its runner, or that a pause interrupts, is
resumed from its checkpoint by the next one. Weights that an earlier campaign has trained on equal data, task and search
space are reused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.campaign_errors import CampaignWaitsError
from nas_controller.search.outcomes import SHARED_WEIGHTS, Failed, LogTail, Outcome, SharedWeights, TrialWork
from nas_controller.store import Lease, Store
from search_space.errors import SHARED_WEIGHTS_CHANGED


class SharedTraining:
    """A source whose only work is the training of the shared weights; `on_trained` is called with them. `devices` are
    those that its worker holds.

    Raises LeaseLostError and StoreUnavailableError like the store.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        campaign: Campaign,
        steps: int,
        may_wait: Callable[[Failed], bool],
        on_trained: Callable[[SharedWeights], None],
    ) -> None:
        self._store = store
        self._lease = lease
        self._campaign = campaign
        self._steps = steps
        self._may_wait = may_wait
        self._on_trained = on_trained
        self._attempt: int | None = None
        self.devices = campaign.spec.resources.devices
        self.is_trained = False

    @property
    def over(self) -> bool:
        """Whether the weights are trained, or the campaign has ended or is to be paused: a pause interrupts it."""
        return self.is_trained or self._campaign.over or self._campaign.draining

    @property
    def draining(self) -> bool:
        """Never: a pause does not wait for the end of this training."""
        return False

    def next_trial(self) -> TrialWork | None:
        """The training, unless it is running.

        A campaign whose finished trials started from weights of an earlier version of effspine fails.
        """
        if self._attempt is not None:
            return None
        record = self._campaign.record
        if record.trials_finished and record.shared_training is None:
            error = (
                "the finished trials started from shared weights of an earlier version of effspine, and this version "
                "trains others, so further rewards would not be comparable; create a new campaign"
            )
            self.end("failed", error, SHARED_WEIGHTS_CHANGED)
            return None
        training = self._store.runner.start_shared_training(self._lease, self._steps, self.devices).shared_training
        assert training is not None
        self._attempt = training.attempts
        return TrialWork(SHARED_WEIGHTS, self._attempt, (), data_sha256=self._campaign.data_sha256)

    def begun(self, work: TrialWork, seconds: float) -> None:
        """Records that a worker began the training so many seconds ago."""
        self._store.runner.record_shared_begin(self._lease, seconds)

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Records the progress of the training."""
        if self._attempt is not None:
            self._store.runner.record_shared_progress(self._lease, step, values.get("loss"))

    def stop_early(
        self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None, log: LogTail
    ) -> bool:
        """Never."""
        return False

    def is_finished(self, number: int) -> bool:
        """Never: it has no checkpoint of a trial that could be removed."""
        return False

    def complete(self, work: TrialWork, outcome: Outcome) -> None:
        """Records the trained weights, or the failure of the attempt, which is retried as a trial is.

        Raises CampaignWaitsError for the reaction `wait`, where `may_wait` allows it.
        """
        if isinstance(outcome, SharedWeights):
            outcome = self._checked(outcome)
        if isinstance(outcome, SharedWeights):
            self._on_trained(outcome)
            self._store.runner.complete_shared_training(self._lease, outcome)
            self._campaign.identified(outcome.data)
            self.is_trained = True
            return
        assert isinstance(outcome, Failed)
        if outcome.reaction == "wait" and self._may_wait(outcome):
            raise CampaignWaitsError(outcome.error, outcome.kind)
        failed = (outcome.error, outcome.kind, outcome.log_tail, outcome.seconds)
        self._store.runner.fail_shared_training(self._lease, *failed)
        self._attempt = None
        if outcome.reaction != "retry":
            self.end("failed", outcome.error, outcome.kind)
        elif self._failures() > self._campaign.spec.retries:
            self.end("failed", f"the shared weights could not be trained: {outcome.error}", outcome.kind)

    def end(
        self, state: Literal["stopped", "failed", "completed"], error: str | None = None, kind: str | None = None
    ) -> None:
        """Ends the campaign."""
        self._campaign.end(state, error, kind=kind)

    def _failures(self) -> int:
        """The failed attempts so far, under any runner, since the weights were last trained or the campaign retried."""
        since = ("shared-training.completed", "campaign.retried")
        return self._store.reads.count_events(self._lease.campaign_id, "shared-training.failed", since, {})

    def _checked(self, weights: SharedWeights) -> SharedWeights | Failed:
        """A failure where trials were scored with other weights already."""
        before = self._campaign.record.shared_training
        known = None if before is None else before.weights_sha256
        if known in (None, weights.sha256) or self._campaign.record.trials_finished == 0:
            return weights
        return Failed(
            "stop",
            f"the shared weights that earlier trials were scored with are gone, and those trained again differ "
            f"(SHA-256 {weights.sha256[:12]}, before {known[:12]})",
            SHARED_WEIGHTS_CHANGED,
            seconds=weights.seconds,
        )
