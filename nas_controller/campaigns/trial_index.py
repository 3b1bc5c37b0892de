"""The trials of a campaign in memory: running ones, finished ones, and the first trial of each architecture."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from nas_controller.search.early_stopping import MedianRule
from nas_controller.search.stop_spec import EarlyStoppingSpec
from nas_controller.store import AttemptRecord, Store


@dataclass(frozen=True)
class RunningTrial:
    """A trial without an outcome."""

    widths: tuple[int, ...]
    choices: tuple[int, ...] | None
    log_probability: float | None
    reused_from: int | None
    params: int


class TrialOutcome(NamedTuple):
    """The reward of a finished trial, 0 if it failed, and its latency over the baseline's, if it was measured."""

    reward: float
    failed: bool
    latency_ratio: float | None = None


class TrialIndex:
    """All trials of a campaign; trials are numbered from 0.

    `running` are the trials without an outcome and `outcomes` those with one. `to_attempt` are the running
    trials that wait for a worker, in the order in which they get their next attempt. `is_exhausted` says that nothing
    new was left to propose after the latest outcome.
    """

    def __init__(self, store: Store, campaign_id: str, retry_epoch: int = 0) -> None:
        """Reads the trials from the store. Raises StoreUnavailableError.

        Attempts under leases up to `retry_epoch`, before the campaign was retried, do not count as failed.
        """
        self._retry_epoch = retry_epoch
        self._store = store
        self._campaign_id = campaign_id
        self.running: dict[int, RunningTrial] = {}
        self.outcomes: dict[int, TrialOutcome] = {}
        self.to_attempt: deque[int] = deque()
        self.is_exhausted = False
        self._first_of: dict[tuple[int, ...], int] = {}
        self._failed_attempts: dict[int, set[int]] = {}
        names = ("number", "state", "reward", "latency_ratio", "widths", "choices", "log_probability", "reused_from")
        columns = store.reads.trial_columns(campaign_id, *names, "params")
        for number, state, reward, latency_ratio, widths, choices, log_probability, reused_from, params in zip(
            *(columns[name] for name in (*names, "params")), strict=True
        ):
            self._first_of.setdefault(tuple(widths), number)
            if state != "running":
                self.outcomes[number] = TrialOutcome(reward, state == "failed", latency_ratio)
                continue
            choice_indices = None if choices is None else tuple(choices)
            self.running[number] = RunningTrial(tuple(widths), choice_indices, log_probability, reused_from, params)
            if reused_from is None:
                self.to_attempt.append(number)

    def median_rule(self, spec: EarlyStoppingSpec | None) -> MedianRule | None:
        """The rule that stops trials early, after all that was measured so far; None without one."""
        if spec is None:
            return None
        rule = MedianRule(spec, self._store.reads.intermediate_aps(self._campaign_id))
        for number, outcome in self.outcomes.items():
            if not outcome.failed:
                rule.completed(number)
        return rule

    def first_with(self, widths: tuple[int, ...]) -> int | None:
        """The first trial with these widths; None if there is none."""
        return self._first_of.get(widths)

    def is_known(self, widths: tuple[int, ...]) -> bool:
        """Whether a trial has these widths."""
        return widths in self._first_of

    def begin(self, number: int, trial: RunningTrial) -> None:
        """Adds a new trial."""
        self.running[number] = trial
        self._first_of.setdefault(trial.widths, number)
        self._failed_attempts[number] = set()

    def finish(self, number: int, outcome: TrialOutcome) -> None:
        """Gives a running trial its outcome."""
        self.is_exhausted = False
        self.outcomes[number] = outcome
        del self.running[number]
        self._failed_attempts.pop(number, None)
        if number in self.to_attempt:
            self.to_attempt.remove(number)

    def repeats_with_outcome(self) -> list[tuple[int, RunningTrial, TrialOutcome]]:
        """The running repeats of finished trials, by number, with the outcome of the trial that they repeat."""
        return [
            (number, trial, self.outcomes[trial.reused_from])
            for number, trial in sorted(self.running.items())
            if trial.reused_from is not None and trial.reused_from in self.outcomes
        ]

    def must_wait(self, parallelism: int) -> bool:
        """Whether nothing can be proposed before the next outcome: nothing new is left, or as many repeats wait for an
        outcome as there are workers.
        """
        waiting = sum(trial.reused_from is not None for trial in self.running.values())
        return self.is_exhausted or waiting >= parallelism

    def count_failure(self, number: int, attempt: AttemptRecord) -> int:
        """The number of failed attempts at a running trial, this one included. Raises StoreUnavailableError.

        Earlier attempts are read from the store only if an earlier runner began the trial.
        """
        failed = self._failed_attempts.get(number)
        if failed is None:
            attempts = self._store.reads.get_trial(self._campaign_id, number).attempts
            failed = self._failed_attempts[number] = {
                other.number for other in attempts if other.state == "failed" and other.epoch > self._retry_epoch
            }
        if attempt.state == "failed":
            failed.add(attempt.number)
        return len(failed)
