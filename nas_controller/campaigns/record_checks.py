"""Compares the trials and attempts of a campaign with what its events say of them: states, errors, times, metrics.

What follows from the seed is not here: `nas_controller.campaigns.replay` computes it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nas_controller.campaigns.replay_error import ReplayError, compare, number_of, parsed
from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.search.outcomes import WORKER_KILLED
from nas_controller.states import EVENTS_OF_OUTCOMES
from nas_controller.store import EventRecord
from nas_controller.store.record_rows import RecordRows, StoredRow


@dataclass(slots=True)
class _Attempt:
    """An attempt after its latest event, `sequence`. The other fields are columns."""

    sequence: int
    started_at: datetime
    epoch: int
    state: str = "running"
    reward: float | None = None
    error: str | None = None
    error_kind: str | None = None
    data_sha256: str | None = None
    finished_at: datetime | None = None
    metrics_sha256: str | None = None


_ATTEMPT_COLUMNS = ("started_at", "epoch", "state", "reward", "error", "error_kind", "data_sha256", "finished_at")


class AttemptChecks:
    """The attempts by the events so far. `unchecked_metrics` counts late ones whose event has no digest of theirs."""

    def __init__(self, campaign_id: str, rows: RecordRows) -> None:
        self._campaign_id = campaign_id
        self._rows = rows
        self._attempts: dict[tuple[int, int], _Attempt] = {}
        self._counts: dict[int, int] = {}
        self._running: set[tuple[int, int]] = set()
        self._epoch = 0
        self._workers_killed = 0
        self.unchecked_metrics = 0

    def count(self, trial: int) -> int:
        """The attempts at a trial so far."""
        return self._counts.get(trial, 0)

    def follow(self, event: EventRecord) -> None:
        """Takes an event over. Raises ReplayError where no attempt can have it."""
        data = event.data
        if event.kind == "campaign.claimed":
            self._epoch = number_of(event, "epoch")
        elif event.kind == "trial.begun":
            if data["reused_from"] is None:
                self._start(event, 1)
        elif event.kind == "attempt.started":
            self._start(event, number_of(event, "attempt"))
        elif event.kind == "attempt.failed":
            self._end(event, "failed", error=data["error"], error_kind=data.get("kind"))
            self._workers_killed += data.get("kind") == WORKER_KILLED
        elif event.kind in ("shared-training.failed", "final.failed"):
            self._workers_killed += data["kind"] == WORKER_KILLED
        elif event.kind == "attempt.abandoned":
            self._end(event, "abandoned")
        elif event.kind == "attempt.late":
            self._end(event, "late", reward=data["reward"])
        elif event.kind == "trial.completed" and data["reused_from"] is None:
            self._end(event, "accepted", reward=data["reward"])
        elif event.kind == "trial.failed":
            self._end_with_trial(event)

    def compare(self) -> None:
        """Compares every attempt with its row. Raises ReplayError."""
        for key in self._rows.attempts:
            if key not in self._attempts:
                raise ReplayError(self._campaign_id, None, f"{_named(key)} is stored, but begins in no event")
        for key, attempt in self._attempts.items():
            row = self._rows.attempts.get(key)
            if row is None:
                raise ReplayError(self._campaign_id, attempt.sequence, f"{_named(key)} is not stored")
            for name in _ATTEMPT_COLUMNS:
                what = f"{_named(key)}: the stored {name}"
                compare(self._campaign_id, attempt.sequence, what, row[name], getattr(attempt, name))
            self._compare_metrics(key, attempt, row)
        stored = self._rows.campaign["workers_killed"]
        compare(self._campaign_id, None, "the campaign's workers_killed", stored, self._workers_killed)

    def _compare_metrics(self, key: tuple[int, int], attempt: _Attempt, row: StoredRow) -> None:
        metrics = parsed(row, "metrics")
        what = f"{_named(key)}: the stored metrics"
        if attempt.metrics_sha256 is not None:
            digest = None if metrics is None else sha256_hex(canonical_json(metrics))
            compare(self._campaign_id, attempt.sequence, f"{what}' digest", digest, attempt.metrics_sha256)
        elif attempt.state == "accepted":
            expected = parsed(self._rows.trials[key[0]], "metrics")
            compare(self._campaign_id, attempt.sequence, what, metrics, expected)
        elif attempt.state == "late":
            self.unchecked_metrics += 1
        else:
            compare(self._campaign_id, attempt.sequence, what, metrics, None)

    def _start(self, event: EventRecord, number: int) -> None:
        trial = number_of(event, "number")
        compare(self._campaign_id, event.sequence, "the attempt's number", number, self.count(trial) + 1)
        self._counts[trial] = number
        self._attempts[trial, number] = _Attempt(event.sequence, event.at, self._epoch)
        self._running.add((trial, number))

    def _end(self, event: EventRecord, state: str, **columns: Any) -> None:
        """Ends an attempt. One that was abandoned or has failed may still be accepted or late."""
        key = number_of(event, "number"), number_of(event, "attempt")
        known = self._attempts.get(key)
        if not isinstance(event.data.get("metrics_sha256", ""), str):
            raise TypeError("`metrics_sha256` is no text")
        once = ("running",) if state in ("failed", "abandoned") else ("running", "failed", "abandoned")
        if known is None or known.state not in once:
            found = "was never begun" if known is None else f"is {known.state}"
            raise ReplayError(self._campaign_id, event.sequence, f"{_named(key)} {found} and cannot be {state}")
        self._attempts[key] = _Attempt(
            event.sequence,
            known.started_at,
            known.epoch,
            state,
            data_sha256=event.data.get("data_sha256"),
            finished_at=event.at,
            metrics_sha256=event.data.get("metrics_sha256"),
            **columns,
        )
        self._running.discard(key)

    def _end_with_trial(self, event: EventRecord) -> None:
        """An attempt in training when its trial is given up has failed with it."""
        trial = number_of(event, "number")
        for key in [each for each in self._running if each[0] == trial]:
            self._running.remove(key)
            known = self._attempts[key]
            known.sequence, known.state, known.finished_at = event.sequence, "failed", event.at
            known.error, known.error_kind = event.data.get("error"), event.data.get("kind")
            self._workers_killed += known.error_kind == WORKER_KILLED


@dataclass(slots=True)
class _Trial:
    """A trial without an outcome, after its latest event, `sequence`."""

    sequence: int
    reused_from: int | None
    started_at: datetime
    error: str | None = None
    error_kind: str | None = None
    stopped_at: datetime | None = None


class TrialChecks:
    """The trials by the events so far; one with an outcome is compared with its row at once, the others at the end.

    `unchecked_metrics` counts trials whose event has no digest of their metrics.
    """

    def __init__(self, campaign_id: str, rows: RecordRows, attempts: AttemptChecks) -> None:
        self._campaign_id = campaign_id
        self._rows = rows
        self._attempts = attempts
        self._unfinished: dict[int, _Trial] = {}
        self.unchecked_metrics = 0

    def follow(self, event: EventRecord) -> None:
        """Takes an event over. Raises ReplayError where a trial differs."""
        if event.kind == "trial.begun":
            number = number_of(event, "number")
            self._unfinished[number] = _Trial(event.sequence, event.data["reused_from"], event.at)
        elif event.kind in EVENTS_OF_OUTCOMES:
            self._finish(event)
        elif event.kind == "attempt.failed":
            trial = self._unfinished.get(number_of(event, "number"))
            if trial is not None and trial.stopped_at is None:
                trial.sequence, trial.error = event.sequence, event.data["error"]
                trial.error_kind = event.data.get("kind")
        elif event.kind == "trial.stopped":
            trial = self._running(event)
            trial.sequence, trial.stopped_at = event.sequence, event.at
        elif event.kind in ("campaign.retried", "campaign.continued"):
            stopped = [number for number, trial in self._unfinished.items() if trial.stopped_at is not None]
            if "finals" in event.data:  # the search is over
                stopped = []
            compare(self._campaign_id, event.sequence, "its trials", event.data["trials"], stopped)
            for number in stopped:
                self._unfinished[number].sequence, self._unfinished[number].stopped_at = event.sequence, None

    def compare(self) -> None:
        """Compares the trials without an outcome with their rows. Raises ReplayError."""
        for number, trial in self._unfinished.items():
            self._compare_columns(
                number,
                trial.sequence,
                state="running" if trial.stopped_at is None else "stopped",
                reward=None,
                error=trial.error,
                error_kind=trial.error_kind,
                accepted_attempt=None,
                stopped_early_step=None,
                latency_ms=None,
                latency_ratio=None,
                finished_at=trial.stopped_at,
                started_at=trial.started_at,
            )
            compare(
                self._campaign_id, trial.sequence, f"trial {number}: the stored metrics", self._metrics(number), None
            )

    def _running(self, event: EventRecord) -> _Trial:
        number = number_of(event, "number")
        trial = self._unfinished.get(number)
        if trial is None or trial.stopped_at is not None:
            raise ReplayError(self._campaign_id, event.sequence, f"trial {number} is not running")
        return trial

    def _finish(self, event: EventRecord) -> None:
        trial, number, data = self._running(event), number_of(event, "number"), event.data
        del self._unfinished[number]
        compare(self._campaign_id, event.sequence, "the trial that it repeats", data["reused_from"], trial.reused_from)
        if "params" in data:
            stored = self._rows.trials[number]["params"]
            compare(self._campaign_id, event.sequence, f"trial {number}: the parameters", data["params"], stored)
        stop = data.get("stopped_early")
        step = None if stop is None else stop["step"]
        error, kind = data.get("error"), data.get("kind")
        stated = latency = {name: data.get(name) for name in ("latency_ms", "latency_ratio")}
        if trial.reused_from is not None:
            original = self._rows.trials[trial.reused_from]
            step, error, kind = original["stopped_early_step"], original["error"], original["error_kind"]
            latency = {name: original[name] for name in latency}
        self._compare_columns(
            number,
            event.sequence,
            state=event.kind.removeprefix("trial."),
            reward=data["reward"],
            error=error,
            error_kind=kind,
            accepted_attempt=data["attempt"],
            stopped_early_step=step,
            finished_at=event.at,
            started_at=trial.started_at,
            **latency,
        )
        compare(self._campaign_id, event.sequence, f"trial {number}: its latency", stated, latency)
        compare(self._campaign_id, event.sequence, f"trial {number}: its error", data.get("error"), error)
        self._compare_metrics(event, number, trial.reused_from)

    def _compare_metrics(self, event: EventRecord, number: int, reused_from: int | None) -> None:
        metrics, data = self._metrics(number), event.data
        what = f"trial {number}: the stored metrics"
        if reused_from is not None:
            compare(self._campaign_id, event.sequence, what, metrics, self._metrics(reused_from))
        elif event.kind == "trial.failed":
            compare(self._campaign_id, event.sequence, what, metrics, None)
        elif "metrics_sha256" not in data:
            self.unchecked_metrics += 1
        if "metrics_sha256" in data:
            digest = None if metrics is None else sha256_hex(canonical_json(metrics))
            compare(self._campaign_id, event.sequence, f"{what}' digest", digest, data["metrics_sha256"])
        if event.kind == "trial.completed" and metrics is not None and "ap" in metrics:
            compare(self._campaign_id, event.sequence, f"trial {number}: the reward", data["reward"], metrics["ap"])

    def _metrics(self, number: int) -> Any:
        return parsed(self._rows.trials[number], "metrics")

    def _compare_columns(self, number: int, sequence: int, **columns: Any) -> None:
        row = self._rows.trials.get(number)
        if row is None:
            raise ReplayError(self._campaign_id, sequence, f"trial {number} is not stored")
        for name, expected in (*columns.items(), ("attempts", self._attempts.count(number))):
            compare(self._campaign_id, sequence, f"trial {number}: the stored {name}", row[name], expected)


def _named(key: tuple[int, int]) -> str:
    trial, attempt = key
    return f"attempt {attempt} at trial {trial}"
