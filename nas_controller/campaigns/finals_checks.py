"""Compares the finals of a campaign and their trainings with what the events say of them.

The choice of the finalists and the winner are computed again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nas_controller.campaigns.replay_error import ReplayError, compare, number_of, parsed
from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.entities import FinalsDocument, name_of_final
from nas_controller.search.estimated_values import Candidate, best_estimated
from nas_controller.search.finals_rules import FIRST, RULES
from nas_controller.search.finals_verdict import compare as compared
from nas_controller.search.finals_verdict import confirmed, ranked_first
from nas_controller.search.objective_spec import ObjectiveSpec
from nas_controller.states import BASELINE_TRIAL
from nas_controller.store import EventRecord
from nas_controller.store.record_rows import RecordRows

FINALS_EVENTS = (
    "finals.started", "finals.identified", "finals.completed", "final.begun", "final.completed", "final.failed",
    "final.abandoned",
)  # fmt: skip
_ENDS = ("campaign.completed", "campaign.stopped", "campaign.failed")
_NOT_COMPARED = ("campaign_id", "log_tail", "progress_step", "progress_total", "worker_started_at", "metrics")


class FinalsChecks:
    """The finals by the events so far."""

    def __init__(self, campaign_id: str, rows: RecordRows, objective: ObjectiveSpec) -> None:
        self._campaign_id = campaign_id
        self._objective = objective
        self._rows = rows
        self._finals: dict[str, Any] | None = None
        self._runs: dict[tuple[int, int], dict[str, Any]] = {}
        self._rewards: dict[int, float] = {}
        self._sequences: dict[tuple[int, int] | None, int] = {}
        self._has_just_completed = False

    def follow(self, event: EventRecord) -> None:
        """Takes an event over. Raises ReplayError where the finals cannot have it."""
        kind, data = event.kind, event.data
        if self._has_just_completed:
            self._compare_end(event)
        if kind == "trial.completed" and data["reused_from"] is None and "stopped_early" not in data:
            self._rewards[number_of(event, "number")] = data["reward"]
        elif kind == "finals.started":
            self._start(event)
        elif kind in FINALS_EVENTS:
            if self._finals is None or self._finals["state"] != "running":
                raise ReplayError(self._campaign_id, event.sequence, "its finals are not running")
            follow = {"finals.identified": self._identify, "finals.completed": self._complete}
            follow.get(kind, self._follow_run)(event)
        elif kind in _ENDS and self._finals is not None and self._finals["state"] == "running":
            self._finals["state"] = "interrupted"
        elif kind == "campaign.retried":
            is_interrupted = self._finals is not None and self._finals["state"] == "interrupted"
            self._compare(event, "whether its finals go on", data.get("finals", False), is_interrupted)
            if self._finals is not None and is_interrupted:
                self._finals["state"] = "running"

    def compare(self) -> None:
        """Compares the finals and their trainings with the rows. Raises ReplayError."""
        stored = parsed(self._rows.campaign, "finals")
        if stored is None or self._finals is None:
            compare(self._campaign_id, None, "the finals", stored, self._finals)
        else:
            names = sorted(FinalsDocument.document_fields())
            compare(self._campaign_id, None, "the fields of the finals", sorted(stored), names)
            for name, expected in self._finals.items():
                what = f"the finals' stored {name}"
                compare(self._campaign_id, self._sequences[None], what, _instant(stored[name]), expected)
        for key in self._rows.finals:
            if key not in self._runs:
                raise ReplayError(self._campaign_id, None, f"{name_of_final(*key)} is stored, but begins in no event")
        for key, run in self._runs.items():
            self._compare_run(key, run)

    def _start(self, event: EventRecord) -> None:
        data = event.data
        before: dict[str, Any] = self._finals or {"finalists": [], "seeds": [], "task": data["task"]}
        if before.get("state") == "running":
            raise ReplayError(self._campaign_id, event.sequence, "its finals are running")
        trials = [self._candidate(number) for number in sorted(self._rewards) if number != BASELINE_TRIAL]
        baseline = parsed(self._rows.trials[BASELINE_TRIAL], "widths")
        top, value = number_of(event, "top"), self._objective.value
        chosen = best_estimated(trials, baseline, top, value, self._rule_of(event))
        known = {each["trial"] for each in before["finalists"]}
        added = [{"trial": trial, "estimate": value} for trial, value in chosen.values.items() if trial not in known]
        self._compare(event, "its finalists", data["finalists"], [*before["finalists"], *added])
        self._compare(event, "the share of noise", data["noise_share"], chosen.noise_share)
        self._compare(event, "its task", data["task"], before["task"])
        self._compare(event, "its earlier seeds", data["seeds"][: len(before["seeds"])], before["seeds"])
        runs = len(data["seeds"]) * (len(data["finalists"]) + 1) if data["finalists"] else 0
        self._finals = {
            **dict.fromkeys(("fresh_images", "data", "winner", "best")),
            "runs_finished": 0,
            **before,
            **{name: data[name] for name in ("finalists", "noise_share", "task", "seeds", "follows", "because")},
            "state": "running",
            "runs": runs,
            "started_at": event.at,
            "finished_at": None,
        }
        self._sequences[None] = event.sequence

    def _candidate(self, number: int) -> Candidate:
        row, baseline = self._rows.trials[number], self._rows.trials[BASELINE_TRIAL]
        cost_ratio = self._objective.cost_ratio(row["params"] / baseline["params"], row["latency_ratio"])
        return Candidate(number, parsed(row, "widths"), self._rewards[number], row["params"], cost_ratio)

    def _rule_of(self, event: EventRecord) -> int:
        """The rule that finals followed at this event."""
        rule = event.data.get("rule", FIRST)
        if rule not in RULES:
            raise ReplayError(self._campaign_id, event.sequence, f"its rule is {rule!r}, which is none of {RULES}")
        return int(rule)

    def _identify(self, event: EventRecord) -> None:
        assert self._finals is not None
        self._compare(event, "the data before", self._finals["data"], None)
        self._finals["fresh_images"] = event.data.get("fresh_images")
        self._finals["data"] = {name: value for name, value in event.data.items() if name != "fresh_images"}

    def _complete(self, event: EventRecord) -> None:
        assert self._finals is not None
        self._compare(event, "its finished trainings", self._finals["runs_finished"], self._finals["runs"])
        rewards = {key: run["reward"] for key, run in self._runs.items() if run["reward"] is not None}
        numbers = [each["trial"] for each in self._finals["finalists"]]
        comparisons = compared(rewards, numbers, BASELINE_TRIAL)
        found = {
            "winner": confirmed(comparisons),
            "best": ranked_first(comparisons, BASELINE_TRIAL, self._rule_of(event)),
        }
        if "best" not in event.data:  # of an earlier version
            found["best"] = found["winner"]
        for name, expected in found.items():
            self._compare(event, f"its {name}", event.data.get(name, expected), expected)
        self._finals |= {**found, "state": "completed", "finished_at": event.at}
        self._sequences[None] = event.sequence
        self._has_just_completed = True

    def _compare_end(self, event: EventRecord) -> None:
        """The campaign ends with its finals, as it had ended or would have without them."""
        assert self._finals is not None
        self._has_just_completed = False
        self._compare(event, "its kind", event.kind, f"campaign.{self._finals['follows']}")
        self._compare(event, "its reason", event.data.get("because"), self._finals["because"])

    def _follow_run(self, event: EventRecord) -> None:
        """An event of one training."""
        assert self._finals is not None
        data, key = event.data, (number_of(event, "trial"), number_of(event, "seed"))
        if event.kind == "final.begun":
            self._begin(event, key)
        else:
            run = self._runs.get(key)
            if run is None or run["attempt_started_at"] is None:
                raise ReplayError(self._campaign_id, event.sequence, f"{name_of_final(*key)} is not in training")
            run["attempt_started_at"] = None
            if event.kind == "final.completed":
                run |= {"state": "completed", "reward": data["reward"], "error": None, "error_kind": None}
                run |= {"data_sha256": data.get("data_sha256"), "metrics_sha256": data["metrics_sha256"]}
                identity = self._finals["data"]
                known = None if identity is None else identity["sha256"]
                self._compare(event, "the identity of its data", data.get("data_sha256"), known)
            elif event.kind == "final.failed":
                if not isinstance(data["gives_up"], bool):
                    raise TypeError(f"`gives_up` is {data['gives_up']!r}, neither true nor false")
                run |= {"error": data["error"], "error_kind": data["kind"]}
                run["state"] = "failed" if data["gives_up"] else "running"
            if run["state"] != "running":
                run["finished_at"] = event.at
                self._finals["runs_finished"] += 1
        self._compare(event, "the attempt's number", number_of(event, "attempt"), self._runs[key]["attempts"])
        self._sequences[key] = event.sequence

    def _begin(self, event: EventRecord, key: tuple[int, int]) -> None:
        assert self._finals is not None
        trials = [BASELINE_TRIAL, *(each["trial"] for each in self._finals["finalists"])]
        if key[0] not in trials or key[1] not in self._finals["seeds"]:
            raise ReplayError(self._campaign_id, event.sequence, f"{name_of_final(*key)} is none of its trainings")
        names = ("reward", "error", "error_kind", "data_sha256", "metrics_sha256", "finished_at", "attempt_started_at")
        unbegun = dict.fromkeys(names) | {"state": "running", "attempts": 0, "started_at": event.at}
        run = self._runs.setdefault(key, unbegun | {"trial": key[0], "seed": key[1]})
        if run["state"] != "running" or run["attempt_started_at"] is not None:
            raise ReplayError(self._campaign_id, event.sequence, f"{name_of_final(*key)} cannot begin")
        run |= {"attempts": run["attempts"] + 1, "attempt_started_at": event.at}

    def _compare_run(self, key: tuple[int, int], run: dict[str, Any]) -> None:
        sequence, row = self._sequences[key], self._rows.finals.get(key)
        if row is None:
            raise ReplayError(self._campaign_id, sequence, f"{name_of_final(*key)} is not stored")
        for name in row:
            if name not in _NOT_COMPARED:
                compare(self._campaign_id, sequence, f"{name_of_final(*key)}: the stored {name}", row[name], run[name])
        metrics = parsed(row, "metrics")
        digest = None if metrics is None else sha256_hex(canonical_json(metrics))
        compare(
            self._campaign_id, sequence, f"{name_of_final(*key)}: the metrics' digest", digest, run["metrics_sha256"]
        )
        if metrics is not None and "ap" in metrics:
            compare(self._campaign_id, sequence, f"{name_of_final(*key)}: the reward", run["reward"], metrics["ap"])

    def _compare(self, event: EventRecord, what: str, stored: Any, expected: Any) -> None:
        compare(self._campaign_id, event.sequence, what, stored, expected)


def _instant(value: Any) -> Any:
    """A time as a datetime, whatever it is stored as."""
    if not isinstance(value, str) or not value[:4].isdigit():
        return value
    return datetime.fromisoformat(value)
