"""The campaign loop: the one place where the search and the store meet. It knows nothing of Ray.

A runner asks `next_trial()` for work, has it done wherever it likes, and hands `complete()` what came of
it; both write to the store before they return, so the process may die between any two calls. All calls come
from one thread.

Repeats. An architecture is its width tuple. A proposal that repeats an earlier trial is never trained: it
becomes a trial of its own, `reused_from` the earlier one, takes that trial's outcome and teaches the
controller once more (it is a sample of the policy like any other). If the earlier trial is still running,
the repeat waits for it without a worker; once as many repeats wait as there are workers, no more is
proposed until an outcome comes, since the policy has nothing new to say. One call settles at most
MAX_REPEATS_A_CALL repeats, so that a converged policy leaves room for a stop.

Retries. An attempt that failed in a way worth retrying, or whose worker died, is followed by another, as often as the
campaign's `retries` say; then the trial is given up. Attempts lost with their runner do not count:
`Campaign(...)` begins them again, before anything new. Where every attempt at the uniform baseline ran out
of memory or time or lost its worker, the campaign fails instead: all architectures have one budget, so what the
machine cannot do for the baseline it will hardly do for the others, and they would all be taught as bad.

Early stops. The decision on a report and the outcome that follows from it are one call and one transaction, so
no other outcome comes between them, and a replay finds the same trials to compare with.

Pauses. While `draining()`, nothing new begins, no attempt either; what is in training is completed as ever.

Changes. How many trials there are, and how many at once, may change while it runs: the newest document is taken up with
the next trial, and the store has the last word on whether there is a next one.

Stop conditions. The store ends the campaign in the transaction of the outcome that meets one; here it is over then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.controller import Controller
from nas_controller.search.early_stopping import EarlyStop, MedianRule
from nas_controller.search.outcomes import TIMED_OUT, WORKER_KILLED, Failed, Rewarded, TrialWork
from nas_controller.search.proposals import Search
from nas_controller.states import BASELINE_TRIAL, FINISHED_CAMPAIGN_STATES, StopReason
from nas_controller.store import CampaignRecord, Lease, NoMoreTrialsError, Store
from search_space.architecture import Architecture
from search_space.errors import BudgetError

MAX_REPEATS_A_CALL = 20

_TOO_MUCH_FOR_THE_MACHINE = ("out-of-memory", WORKER_KILLED, TIMED_OUT)


@dataclass(frozen=True)
class _Begun:
    """What must be known of a trial that has no outcome yet."""

    widths: tuple[int, ...]
    choices: tuple[int, ...] | None
    log_probability: float | None
    reused_from: int | None


class _Known(NamedTuple):
    """The outcome of a trial."""

    reward: float
    gave_up: bool


class Campaign:
    """A campaign under a lease, taken up where the store says it stands.

    Raises LeaseLostError and StoreUnavailableError like the store; after the first it must not be used any
    more, after the second the call may be repeated.
    """

    def __init__(
        self,
        store: Store,
        lease: Lease,
        draining: Callable[[], bool] = lambda: False,
        newest: Callable[[], CampaignSpec | None] = lambda: None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._draining = draining
        self._newest = newest
        self.record: CampaignRecord = store.reads.get_campaign(lease.campaign_id)
        self.spec = self.record.spec
        state = store.reads.controller_state(lease.campaign_id)
        self._search = Search(self.spec, None if state is None else Controller.from_state(state.state))
        self._next_number = self.record.trials_begun
        self._outcomes: dict[int, _Known] = {}
        self._first_of: dict[tuple[int, ...], int] = {}
        self._begun: dict[int, _Begun] = {}
        self._to_attempt: deque[int] = deque()
        self._over = False
        stopping = self.spec.early_stopping
        self._rule = None if stopping is None else MedianRule(stopping, store.reads.intermediate_aps(lease.campaign_id))
        self._read_trials()
        self._settle_repeats()
        self._finish_if_done()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to run, because every trial has its outcome or the campaign was
        ended.
        """
        return self._over

    @property
    def draining(self) -> bool:
        """Whether nothing new begins, because the campaign is to be paused."""
        return self._draining()

    @property
    def base(self) -> Architecture:
        """The architecture whose widths are searched."""
        return self._search.space.base

    def next_trial(self) -> TrialWork | None:
        """What to train next, recorded as begun; None when there is nothing to do before something
        completes.

        After settling repeats it may return None although asking again at once would give work. A campaign
        whose budget cannot be met by its samples ends as failed here.
        """
        if self._over or self.draining:
            return None
        self.spec = self._newest() or self.spec
        if self._to_attempt:
            number = self._to_attempt[0]
            attempt = self._store.runner.start_attempt(self._lease, number)
            self._to_attempt.popleft()
            return TrialWork(number, attempt.number, self._begun[number].widths)
        for _ in range(MAX_REPEATS_A_CALL):
            if self._next_number >= self.spec.trials or self._waiting() >= self.spec.parallelism:
                break
            try:
                work = self._begin(self._next_number)
            except BudgetError as error:
                self.end("failed", str(error))
                return None
            except NoMoreTrialsError:
                self.spec = self._store.reads.get_campaign(self._lease.campaign_id).spec
                break
            if work is not None or self._over:
                return work
        self._finish_if_done()
        return None

    def progress(
        self, work: TrialWork, step: int, total: int, values: Mapping[str, float], ap: float | None = None
    ) -> None:
        """Records how far an attempt has come, unless its trial has its outcome already.

        `ap` is that of the reserved images at this step, where they were scored.
        """
        if work.number in self._begun:
            self._store.runner.record_progress(self._lease, work.number, work.attempt, step, total, values, ap)
            if self._rule is not None and ap is not None:
                self._rule.measured(work.number, step, ap)

    def stop_early(self, work: TrialWork, step: int, values: Mapping[str, float], ap: float | None) -> bool:
        """Whether the campaign's rule ends a trial in training with the AP of this step as its reward.

        It is recorded then, with the reason, and no outcome of the attempt is wanted any more.
        """
        if self._rule is None or ap is None or self._over or work.number not in self._begun:
            return False
        stop = self._rule.verdict(work.number, step, ap)
        if stop is None:
            return False
        self._accept(work, Rewarded(ap, {**values, "ap": ap, "steps": step}), stop)
        self._settle_repeats()
        self._finish_if_done()
        return True

    def is_finished(self, number: int) -> bool:
        """Whether a trial that was begun has its outcome, or will have none since the campaign is over."""
        return self._over or number not in self._begun

    def complete(self, work: TrialWork, outcome: Rewarded | Failed) -> None:
        """Records what came of an attempt, and all that follows from it.

        A reward outside 0 to 1 gives the trial up. `stop` ends the campaign as failed with the error's text.
        """
        if self._over:
            return
        if isinstance(outcome, Rewarded) and not 0.0 <= outcome.reward <= 1.0:
            outcome = Failed("give_up", f"the reward {outcome.reward} is not in 0 to 1", "invalid-reward")
        if isinstance(outcome, Rewarded):
            self._accept(work, outcome)
        else:
            self._fail(work, outcome)
        if not self._over:
            self._settle_repeats()
            self._finish_if_done()

    def end(
        self,
        state: Literal["stopped", "failed", "completed"],
        error: str | None = None,
        because: StopReason | None = None,
    ) -> None:
        """Ends the campaign as it stands; what is running is abandoned."""
        if not self._over:
            self._store.runner.finish_campaign(self._lease, state, error, because)
            self._over = True

    def _begin(self, number: int) -> TrialWork | None:
        """Begins a new trial: work, or None for a repeat, which is settled if its outcome is known."""
        proposed = self._search.propose(number)
        widths = proposed.candidate.widths
        reused_from = self._first_of.get(widths)
        trial, attempt = self._store.runner.begin_trial(
            self._lease,
            number,
            proposed.candidate,
            proposed.choices,
            proposed.log_probability,
            reused_from,
            proposed.draw,
        )
        self._next_number += 1
        self._begun[number] = _Begun(widths, trial.choices, trial.log_probability, reused_from)
        self._first_of.setdefault(widths, number)
        if attempt is not None:
            return TrialWork(number, attempt.number, widths)
        self._settle_repeats()
        return None

    def _accept(self, work: TrialWork, outcome: Rewarded, stop: EarlyStop | None = None) -> None:
        begun = self._begun.get(work.number)
        learned = self._search.controller
        if begun is not None:
            learned = self._search.learned(begun.choices, begun.log_probability, outcome.reward, False)
        acceptance = self._store.runner.accept_reward(
            self._lease,
            work.number,
            work.attempt,
            outcome.reward,
            outcome.metrics,
            learned.state(),
            None if stop is None else stop.to_dict(),
        )
        if begun is not None and acceptance.outcome != "late":
            self._finished_with(work.number, learned, _Known(outcome.reward, False))

    def _fail(self, work: TrialWork, outcome: Failed) -> None:
        self._store.runner.fail_attempt(
            self._lease, work.number, work.attempt, outcome.error, outcome.kind, outcome.log_tail
        )
        if outcome.reaction == "stop":
            self.end("failed", outcome.error)
        elif work.number not in self._begun or work.number in self._to_attempt:
            return
        elif outcome.reaction == "retry" and self._failed_attempts(work.number) <= self.spec.retries:
            self._to_attempt.append(work.number)
        elif work.number == BASELINE_TRIAL and outcome.kind in _TOO_MUCH_FOR_THE_MACHINE:
            self.end("failed", f"the uniform baseline cannot be trained on this machine: {outcome.error}")
        else:
            begun = self._begun[work.number]
            learned = self._search.learned(begun.choices, begun.log_probability, 0.0, True)
            self._store.runner.fail_trial(self._lease, work.number, outcome.error, learned.state(), outcome.kind)
            self._finished_with(work.number, learned, _Known(0.0, True))

    def _settle_repeats(self) -> None:
        """Gives every waiting repeat whose original has its outcome that outcome, in order of their
        numbers.
        """
        for number, begun in sorted(self._begun.items()):
            if self._over:
                return
            if begun.reused_from is None or begun.reused_from in self._begun:
                continue
            outcome = self._outcomes[begun.reused_from]
            learned = self._search.learned(begun.choices, begun.log_probability, *outcome)
            self._store.runner.accept_repeat(self._lease, number, learned.state())
            self._finished_with(number, learned, outcome)

    def _finished_with(self, number: int, learned: Controller, outcome: _Known) -> None:
        self._search.controller = learned
        self._outcomes[number] = outcome
        if self._rule is not None and not outcome.gave_up:
            self._rule.completed(number)
        del self._begun[number]
        if number in self._to_attempt:
            self._to_attempt.remove(number)
        if self.spec.stop is not None:
            self._over = self._store.reads.get_campaign(self._lease.campaign_id).state in FINISHED_CAMPAIGN_STATES

    def _finish_if_done(self) -> None:
        if not self._over and len(self._outcomes) >= self.spec.trials:
            record = self._store.runner.complete_campaign(self._lease)
            self.spec = record.spec
            self._over = record.state == "completed"

    def _waiting(self) -> int:
        return sum(begun.reused_from is not None for begun in self._begun.values())

    def _failed_attempts(self, number: int) -> int:
        attempts = self._store.reads.get_trial(self._lease.campaign_id, number).attempts
        return sum(attempt.state == "failed" for attempt in attempts)

    def _read_trials(self) -> None:
        names = ("number", "state", "reward", "widths", "choices", "log_probability", "reused_from")
        columns = self._store.reads.trial_columns(self._lease.campaign_id, *names)
        for number, state, reward, widths, choices, log_probability, reused_from in zip(
            *(columns[name] for name in names), strict=True
        ):
            identity = tuple(widths)
            self._first_of.setdefault(identity, number)
            if state == "running":
                self._begun[number] = _Begun(
                    identity, None if choices is None else tuple(choices), log_probability, reused_from
                )
                if reused_from is None:
                    self._to_attempt.append(number)
            else:
                self._outcomes[number] = _Known(reward, state == "failed")
                if self._rule is not None and state == "completed":
                    self._rule.completed(number)
