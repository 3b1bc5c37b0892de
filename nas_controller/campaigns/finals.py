"""The finals of a campaign, as the last work of its workers.

The finalists and the baseline are trained alone, from fresh weights, with the same seeds: all of them with one seed
before any with the next, so that an interruption leaves complete pairs. Retries, waits and pauses are those of trials.
A lost attempt is followed by another, from its checkpoint if there is one. The data set must be the one that the search
has read, although the finals are scored on other images of it. The detector of a training is kept before its reward is
accepted, so that every reward has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from exporters.provenance import provenance_of
from nas_controller.campaigns.campaign import Campaign
from nas_controller.campaigns.campaign_errors import CampaignWaitsError, baseline_error, refuse_other_data
from nas_controller.entities import name_of_final
from nas_controller.search.outcomes import (
    Failed,
    LogTail,
    Outcome,
    Rewarded,
    SharedWeights,
    TrialWork,
    checked_reward,
)
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import CampaignRecord, Lease, Store
from search_space.detector_model import DetectorModel


class _Run(NamedTuple):
    """One training."""

    trial: int
    seed: int
    widths: tuple[int, ...]


Keep = Callable[[int, int, DetectorModel], None]
"""Keeps the detector of a training, given its trial and seed."""


class Finals:
    """A source whose work are the trainings of the finals, numbered from 0 in their order; `keep` is called with the
    detector of each.

    Raises LeaseLostError and StoreUnavailableError like the store.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        campaign: Campaign,
        may_wait: Callable[[Failed], bool],
        keep: Keep = lambda trial, seed, detector: None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._campaign = campaign
        self._may_wait = may_wait
        self._keep = keep
        record = store.reads.get_campaign(lease.campaign_id)
        self._data: Mapping[str, Any] | None = None if record.finals is None else record.finals.data
        self._search_data = record.data
        self._runs = _runs_left(store, record)
        self._in_training: set[int] = set()
        self._complete_if_done()

    @property
    def over(self) -> bool:
        """Whether every training is finished, or the campaign has ended."""
        return self._campaign.ended

    @property
    def draining(self) -> bool:
        """Whether no training begins any more because the campaign is to be paused."""
        return self._campaign.draining

    def next_trial(self) -> TrialWork | None:
        """The next training, recorded in the store as begun; None if there is none before the next outcome."""
        if self.over or self.draining:
            return None
        number = next((number for number in self._runs if number not in self._in_training), None)
        if number is None:
            return None
        trial, seed, widths = self._runs[number]
        attempt = self._store.runner.begin_final(self._lease, trial, seed).attempts
        self._in_training.add(number)
        data_sha256 = None if self._data is None else str(self._data["sha256"])
        return TrialWork(number, attempt, widths, data_sha256=data_sha256, final_seed=seed)

    def begun(self, work: TrialWork, seconds: float) -> None:
        """Records that a worker began a training so many seconds ago."""
        run = self._runs[work.number]
        self._store.runner.record_final_begin(self._lease, run.trial, run.seed, seconds)

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Records the progress of a training."""
        if work.number in self._in_training:
            run = self._runs[work.number]
            self._store.runner.record_final_progress(self._lease, run.trial, run.seed, step, total)

    def stop_early(
        self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None, log: LogTail
    ) -> bool:
        """Never: rewards of other steps could not be compared."""
        return False

    def is_finished(self, number: int) -> bool:
        """Whether a training has its outcome, or gets none because the campaign has ended."""
        return self.over or number not in self._runs

    def complete(self, work: TrialWork, outcome: Outcome) -> None:
        """Records the outcome of an attempt and, with the last one, the end of the finals and of the campaign.

        A training of other data than the search or the first final fails the campaign, and so do the reaction `stop`
        and a baseline that is given up. Raises CampaignWaitsError for the reaction `wait`, where `may_wait` allows it.
        """
        if self.over:
            return
        assert not isinstance(outcome, SharedWeights), "no work of finals trains those"
        run = self._runs[work.number]
        reader = name_of_final(run.trial, run.seed)
        outcome = refuse_other_data(outcome, self._data, outcome.data, reader, since="the first final")
        outcome = refuse_other_data(outcome, self._search_data, outcome.search_data, reader)
        if isinstance(outcome, Rewarded):
            outcome = checked_reward(outcome)
        if isinstance(outcome, Failed):
            self._fail(work.number, run, outcome)
        else:
            if outcome.detector is not None:
                self._keep(run.trial, run.seed, self._documented(run, outcome.detector, outcome.data))
            result = (outcome.reward, outcome.metrics, outcome.data, outcome.seconds)
            self._store.runner.complete_final(self._lease, run.trial, run.seed, *result)
            self._data = self._data or outcome.data
            self._finish(work.number)
        self._complete_if_done()

    def _documented(self, run: _Run, detector: DetectorModel, data: Mapping[str, Any] | None) -> DetectorModel:
        """The detector with its name and its provenance, whose `data` are those that it was trained and scored on."""
        campaign = self._store.reads.get_campaign(self._lease.campaign_id)
        trial = self._store.reads.get_trial_record(campaign.id, run.trial)
        identity = None if data is None else {name: data[name] for name in ("sha256", "train", "reserved")}
        versions = self._store.reads.versions_of(campaign.id)
        provenance = {**provenance_of(campaign.to_dict(), trial.to_dict(), versions), "data": identity}
        specification = detector.specification
        network = replace(specification.architecture, name=f"trial-{run.trial}-seed-{run.seed}")
        return replace(detector, specification=replace(specification, architecture=network, provenance=provenance))

    def end(self, state: Literal["stopped", "failed", "completed"], error: str | None = None) -> None:
        """Ends the campaign."""
        self._campaign.end(state, error)

    def _fail(self, number: int, run: _Run, failure: Failed) -> None:
        if failure.reaction == "wait":
            if self._may_wait(failure):
                raise CampaignWaitsError(failure.error, failure.kind)
            failure = replace(failure, reaction="stop")
        is_retried = failure.reaction == "retry" and self._failures_of(run) < self._campaign.spec.retries
        ends = failure.reaction == "stop" or (run.trial == BASELINE_TRIAL and not is_retried)
        self._store.runner.fail_final(
            self._lease,
            run.trial,
            run.seed,
            failure.error,
            failure.kind,
            failure.log_tail,
            failure.seconds,
            gives_up=not is_retried and not ends,
        )
        self._in_training.discard(number)
        if ends:
            error = failure.error if failure.reaction == "stop" else baseline_error(failure)
            self._campaign.end("failed", error, kind=failure.kind)
        elif not is_retried:
            self._finish(number)

    def _failures_of(self, run: _Run) -> int:
        """The failed attempts at a training so far, under any runner, since the campaign was last retried."""
        facts = {"trial": run.trial, "seed": run.seed}
        return self._store.reads.count_events(self._lease.campaign_id, "final.failed", ["campaign.retried"], facts)

    def _finish(self, number: int) -> None:
        del self._runs[number]
        self._in_training.discard(number)

    def _complete_if_done(self) -> None:
        if not self._runs and not self.over:
            self._store.runner.complete_finals(self._lease)
            self._campaign.ended = True


def _runs_left(store: Store, record: CampaignRecord) -> dict[int, _Run]:
    """The trainings without an outcome, by number: seed by seed, in each the baseline first."""
    finals = record.finals
    assert finals is not None
    trials = [BASELINE_TRIAL, *(each.trial for each in finals.finalists)] if finals.finalists else []
    widths = {trial: store.reads.get_trial_record(record.id, trial).widths for trial in trials}
    finished = {(run.trial, run.seed) for run in store.reads.final_runs(record.id) if run.finished_at is not None}
    runs = (_Run(trial, seed, widths[trial]) for seed in finals.seeds for trial in trials)
    return {number: run for number, run in enumerate(runs) if (run.trial, run.seed) not in finished}
