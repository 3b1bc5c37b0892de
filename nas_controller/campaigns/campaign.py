"""The campaign loop, which connects the search and the store. It is independent of Ray.

A runner calls `next_trial()` for work, lets a worker do it, and passes the outcome to `complete()`. Both write to the
store before they return, so the process may die between any two calls. All calls come from one thread.

- Repeats. No architecture, identified by its widths, is trained twice. A proposal of known widths is drawn again; with
  `controller.repeats` "count" it becomes a trial with `reused_from`, which takes the outcome of the earlier one. Once
  nothing new is left, or as many repeats wait for an outcome as there are workers, nothing is proposed before the next
  outcome. One call finishes at most MAX_REPEATS_PER_CALL repeats, so that a converged policy cannot delay a stop.
- Retries. After an attempt that failed with the reaction `retry`, or whose worker died, another one begins, up to the
  campaign's `retries`; then the trial fails. Attempts that were lost with their runner do not count: `Campaign(...)`
  begins them again before any new trial. A campaign whose baseline fails has nothing to compare with and fails at once;
  the store ends one in which too many trials fail.
- Data. The first outcome identifies the data that it comes from. Every later attempt must read the same: an outcome of
  other data is not accepted and fails the campaign.
- Waiting. The reaction `wait` is not a failure: CampaignWaitsError ends the runner, and a later one repeats the
  attempt.
- Early stops. The decision on a report and the resulting outcome are one transaction, so a replay compares the same.
- Pauses. While `draining()` is true, neither trials nor attempts begin; trials in training are completed.
- Updates and stop conditions. The number of trials and the parallelism may change while the campaign runs: the newest
  specification applies from the next trial on, and the store refuses a trial beyond the last. It ends the search in the
  transaction of the outcome that meets a stop condition, and says so. A campaign that is to have finals goes on with
  them (`nas_controller.campaigns.finals`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from nas_controller.campaigns.campaign_errors import CampaignWaitsError, baseline_error, refuse_other_data
from nas_controller.campaigns.trial_index import RunningTrial, TrialIndex, TrialOutcome
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.early_stopping import EarlyStop
from nas_controller.search.outcomes import (
    Failed,
    LogTail,
    Outcome,
    Rewarded,
    SharedWeights,
    TrialWork,
    checked_reward,
)
from nas_controller.search.proposals import Search, SpaceExhaustedError
from nas_controller.search.searchers import Searcher, restore_searcher
from nas_controller.states import BASELINE_TRIAL, FINISHED_CAMPAIGN_STATES, StopReason
from nas_controller.store import Acceptance, CampaignRecord, Lease, NoMoreTrialsError, Store
from search_space.architecture import Architecture
from search_space.errors import BudgetError

MAX_REPEATS_PER_CALL = 20


class Campaign:
    """A campaign under a lease, resumed from the store.

    Raises LeaseLostError and StoreUnavailableError like the store; after the first it must not be used any more, after
    the second the call can be repeated.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        draining: Callable[[], bool] = lambda: False,
        newest: Callable[[], CampaignSpec | None] = lambda: None,
        may_wait: Callable[[Failed], bool] = lambda failure: True,
    ) -> None:
        self._store = store
        self._lease = lease
        self._draining = draining
        self._newest = newest
        self._may_wait = may_wait
        self.record: CampaignRecord = store.reads.get_campaign(lease.campaign_id)
        self.spec = self.record.spec
        self._data: Mapping[str, Any] | None = self.record.data
        state = store.reads.controller_state(lease.campaign_id)
        self._search = Search(self.spec, None if state is None else restore_searcher(state.state))
        self._next_number = self.record.trials_begun
        self._trials = TrialIndex(store, lease.campaign_id, self.record.retry_epoch)
        self._over = self.record.is_in_finals
        self.ended = False
        """Whether the campaign has ended, finals included."""
        self._rule = self._trials.median_rule(self.spec.early_stopping)
        self._finish_repeats()
        self._finish_if_done()

    @property
    def over(self) -> bool:
        """Whether no trial is left to run: each has its outcome, a stop condition is met, or the campaign has ended."""
        return self._over

    @property
    def draining(self) -> bool:
        """Whether no trial or attempt begins any more because the campaign is to be paused."""
        return self._draining()

    @property
    def data_sha256(self) -> str | None:
        """The identity of the data that all attempts must read; None before it is known."""
        return None if self._data is None else str(self._data["sha256"])

    def identified(self, data: Mapping[str, Any] | None) -> None:
        """Takes over the identity of the data that the shared weights were trained on."""
        self._data = self._data or data

    @property
    def base(self) -> Architecture:
        """The architecture whose widths are searched."""
        return self._search.space.base

    def next_trial(self) -> TrialWork | None:
        """The next work, recorded in the store as begun; None if there is none before the next outcome.

        After finishing repeats it can return None although the next call returns work. A campaign whose samples cannot
        meet the budget fails here.
        """
        if self._over or self.draining:
            return None
        self.spec = self._newest() or self.spec
        if self._trials.to_attempt:
            number = self._trials.to_attempt[0]
            attempt = self._store.runner.start_attempt(self._lease, number)
            self._trials.to_attempt.popleft()
            return self._work(number, attempt.number, self._trials.running[number].widths)
        for _ in range(MAX_REPEATS_PER_CALL):
            if self._next_number >= self.spec.trials or self._trials.must_wait(self.spec.parallelism):
                break
            try:
                work = self._begin(self._next_number)
            except BudgetError as error:
                self.end("failed", str(error), kind="invalid-value")
                return None
            except SpaceExhaustedError:
                self._trials.is_exhausted = True
                if not self._trials.running:
                    self.end("completed", because="exhausted")
                return None
            except NoMoreTrialsError:
                self.spec = self._store.reads.get_campaign(self._lease.campaign_id).spec
                break
            if work is not None or self._over:
                return work
        self._finish_if_done()
        return None

    def begun(self, work: TrialWork, seconds: float) -> None:
        """Records that a worker began an attempt so many seconds ago."""
        self._store.runner.record_begin(self._lease, work.number, work.attempt, seconds)

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Records the progress of an attempt, unless its trial has an outcome.

        `ap` is the AP on the reserved images at this step, if it was measured.
        """
        if work.number in self._trials.running:
            self._store.runner.record_progress(self._lease, work.number, work.attempt, step, total, values, ap)
            if self._rule is not None and ap is not None:
                self._rule.measured(work.number, step, ap)

    def stop_early(
        self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None, log: LogTail
    ) -> bool:
        """Whether the early-stopping rule ends a trial in training, with the AP at this step as its reward.

        If so, the outcome is in the store, with the reason, and the attempt needs no other. An attempt that
        began before the data were identified runs to its end, since only its outcome identifies what it read.
        """
        if self._rule is None or ap is None or self._over or work.number not in self._trials.running:
            return False
        if self._data is not None and work.data_sha256 is None:
            return False
        stop = self._rule.verdict(work.number, step, ap)
        if stop is None:
            return False
        self._accept(work, Rewarded(ap, {**values, "ap": ap, "steps": step}, self._data, log_tail=log()), stop)
        self._finish_repeats()
        self._finish_if_done()
        return True

    def is_finished(self, number: int) -> bool:
        """Whether a trial that has begun has its outcome, or gets none because the campaign is over."""
        return self._over or number not in self._trials.running

    def complete(self, work: TrialWork, outcome: Outcome) -> None:
        """Records the outcome of an attempt and everything that follows from it.

        A reward outside 0 to 1 fails the trial. The reaction `stop` fails the campaign with the error's text, and so
        does an outcome of other data than the first. Raises CampaignWaitsError for the reaction `wait`, where
        `may_wait` allows it; the attempt stays running then.
        """
        if self._over:
            return
        assert not isinstance(outcome, SharedWeights), "`SharedTraining` records those"
        outcome = refuse_other_data(outcome, self._data, outcome.data, f"trial {work.number}")
        if isinstance(outcome, Failed) and outcome.reaction == "wait":
            if self._may_wait(outcome):
                raise CampaignWaitsError(outcome.error, outcome.kind)
            outcome = replace(outcome, reaction="stop")
        if isinstance(outcome, Rewarded):
            outcome = checked_reward(outcome)
        if isinstance(outcome, Rewarded):
            self._accept(work, outcome)
        else:
            self._fail(work, outcome)
        self._finish_repeats()
        self._finish_if_done()

    def end(
        self,
        state: Literal["stopped", "failed", "completed"],
        error: str | None = None,
        because: StopReason | None = None,
        kind: str | None = None,
    ) -> None:
        """Ends the campaign, or with `completed` its search; running attempts are abandoned. `kind` names the error."""
        if not self.ended:
            record = self._store.runner.finish_campaign(self._lease, state, error, because, kind)
            self._over, self.ended = True, record.state in FINISHED_CAMPAIGN_STATES

    def _begin(self, number: int) -> TrialWork | None:
        """Begins a new trial. Returns its work, or None for a repeat, which is finished if its outcome is known."""
        proposed = self._search.propose(number, self._trials.is_known)
        candidate, reused_from = proposed.candidate, self._trials.first_with(proposed.candidate.widths)
        sample = (proposed.choices, proposed.log_probability, reused_from)
        draws = (proposed.draw, proposed.repeats)
        _, attempt = self._store.runner.begin_trial(self._lease, number, candidate, *sample, *draws)
        self._next_number += 1
        self._trials.begin(number, RunningTrial(candidate.widths, *sample, candidate.params))
        if attempt is not None:
            return self._work(number, attempt.number, candidate.widths)
        self._finish_repeats()
        return None

    def _work(self, number: int, attempt: int, widths: tuple[int, ...]) -> TrialWork:
        return TrialWork(number, attempt, widths, data_sha256=self.data_sha256)

    def _accept(self, work: TrialWork, outcome: Rewarded, stop: EarlyStop | None = None) -> None:
        trial = self._trials.running.get(work.number)
        end = TrialOutcome(outcome.reward, False, None if outcome.latency is None else outcome.latency.ratio)
        controller = self._search.controller if trial is None else self._updated_controller(trial, end)
        stopped = None if stop is None else stop.to_dict()
        result = (outcome.reward, outcome.metrics, controller.state(), stopped, outcome.data, outcome.latency)
        of_worker = (outcome.log_tail, outcome.seconds)
        accepted = self._store.runner.accept_reward(self._lease, work.number, work.attempt, *result, *of_worker)
        if trial is not None and accepted.outcome != "late":
            self._data = self._data or outcome.data
            self._finish(work.number, controller, end, accepted)

    def _fail(self, work: TrialWork, failure: Failed) -> None:
        number = work.number
        result = (failure.error, failure.kind, failure.log_tail, failure.data, failure.seconds)
        attempt = self._store.runner.fail_attempt(self._lease, number, work.attempt, *result)
        if failure.reaction == "stop":
            self.end("failed", failure.error, kind=failure.kind)
        elif number not in self._trials.running or number in self._trials.to_attempt:
            return
        elif failure.reaction == "retry" and self._trials.count_failure(number, attempt) <= self.spec.retries:
            self._trials.to_attempt.append(number)
        elif number == BASELINE_TRIAL:
            self.end("failed", baseline_error(failure), kind=failure.kind)
        else:
            outcome = TrialOutcome(0.0, failed=True)
            controller = self._updated_controller(self._trials.running[number], outcome)
            failed = self._store.runner.fail_trial(
                self._lease, number, failure.error, controller.state(), failure.kind, failure.data
            )
            self._data = self._data or failure.data
            self._finish(number, controller, outcome, failed)

    def _finish_repeats(self) -> None:
        """Gives waiting repeats the outcome of the trial that they repeat, by number."""
        for number, trial, outcome in self._trials.repeats_with_outcome():
            if self._over:
                return
            controller = self._updated_controller(trial, outcome)
            accepted = self._store.runner.accept_repeat(self._lease, number, controller.state())
            self._finish(number, controller, outcome, accepted)

    def _updated_controller(self, trial: RunningTrial, outcome: TrialOutcome) -> Searcher:
        return self._search.updated_controller(trial.choices, trial.log_probability, *outcome, trial.params)

    def _finish(self, number: int, controller: Searcher, outcome: TrialOutcome, accepted: Acceptance) -> None:
        """Applies an outcome that the store has accepted, and what has become of the campaign with it."""
        self._search.controller = controller
        self._trials.finish(number, outcome)
        if self._rule is not None and not outcome.failed:
            self._rule.completed(number)
        self._over = accepted.search_is_over
        self.ended = accepted.campaign_state in FINISHED_CAMPAIGN_STATES

    def _finish_if_done(self) -> None:
        if not self._over and len(self._trials.outcomes) >= self.spec.trials:
            record = self._store.runner.complete_campaign(self._lease)
            self.spec, self.ended = record.spec, record.state == "completed"
            self._over = self.ended or record.is_in_finals
