"""Compares a campaign's row with what its events say of it: its states, its times, and the counts over its trials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from nas_controller.campaigns.finals_checks import FINALS_EVENTS
from nas_controller.campaigns.replay_error import ReplayError, compare, number_of, parsed
from nas_controller.campaigns.shared_training_checks import SHARED_TRAINING_EVENTS
from nas_controller.canonical_json import canonical_json, sha256_hex
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.plateau import begins_plateau
from nas_controller.search.proposals import EXPLORE_AFTER
from nas_controller.states import BASELINE_TRIAL, EVENTS_OF_ANNOTATIONS, EVENTS_OF_OUTCOMES
from nas_controller.store import EventRecord
from nas_controller.store.record_rows import StoredRow

OLDER_COUNTS = ("trials_since_best", "attempts_lost", "failures", "consecutive_failures")
"""Counts that begin at 0 where an earlier version began the campaign, whatever had happened before."""
_STATES = {
    "campaign.submitted": "pending",
    "campaign.pausing": "pausing",
    "campaign.paused": "paused",
    "campaign.stopping": "stopping",
    "campaign.completed": "completed",
    "campaign.stopped": "stopped",
    "campaign.failed": "failed",
}
_OF_TRIALS_AND_ATTEMPTS = (
    "trial.stopped", "attempt.started", "attempt.failed", "attempt.abandoned", "attempt.late", *SHARED_TRAINING_EVENTS,
    *FINALS_EVENTS,
)  # fmt: skip
_FINAL = ("campaign.completed", "campaign.stopped", "campaign.failed")


class CampaignChecks:
    """The campaign's columns by the events so far.

    `is_whole` says whether the campaign was created by a version that writes digests of the specification. If not,
    OLDER_COUNTS are not compared.
    """

    def __init__(self, campaign_id: str, trials: Mapping[int, StoredRow]) -> None:
        self._campaign_id = campaign_id
        self.is_whole = False
        self._may_be_draft = False
        self._is_just_claimed = False
        self._kind = self._kind_before = ""
        self._finals_because: str | None = None
        self._trials = trials
        self._columns: dict[str, Any] = dict.fromkeys(
            (
                "name", "state", "created_at", "started_at", "finished_at", "error", "error_kind", "stopped_because",
                "pause_mode", "paused_at", "queued_at", "queue_seconds", "waiting_for", "data", "baseline_reward",
                "best_reward", "best_trial",
            )
        )  # fmt: skip
        self._columns |= dict.fromkeys(
            (
                "trials_begun", "trials_finished", "trials_failed", "rewards_accepted", "trials_since_best",
                "attempts_lost", "failures", "consecutive_failures", "lease_epoch", "retry_epoch",
                "last_event", "repeats_skipped", "reheated_trials",
            ),
            0,
        )  # fmt: skip
        self._columns["paused_seconds"] = 0.0

    def follow(self, event: EventRecord) -> None:
        """Takes an event over. Raises ReplayError where the campaign cannot have it."""
        columns, kind = self._columns, event.kind
        columns["last_event"] = event.sequence
        if kind in EVENTS_OF_ANNOTATIONS:
            return
        self._kind_before, self._kind = self._kind, kind
        if kind != "campaign.updated":
            self._may_be_draft = False
        if kind in ("attempt.abandoned", "shared-training.abandoned", "final.abandoned"):
            columns["attempts_lost"] += self._is_just_claimed
        else:
            self._is_just_claimed = kind == "campaign.claimed"
        if kind == "campaign.paused" and columns["state"] == "pausing":
            compare(self._campaign_id, event.sequence, "the pause's mode", event.data["mode"], columns["pause_mode"])
        if kind == "campaign.submitted" and self.is_whole:
            compare(self._campaign_id, event.sequence, "the state before", columns["state"], "draft")
        if kind in _STATES:
            columns["state"] = _STATES[kind]
        if kind in _FINAL:
            self._end(event)
        elif kind.startswith("campaign."):
            self._live(event)
        elif kind in EVENTS_OF_OUTCOMES:
            self._count_outcome(event)
        elif kind == "trial.begun":
            columns["trials_begun"] += 1
            columns["repeats_skipped"] += event.data.get("repeats", 0)
            columns["reheated_trials"] += event.data.get("repeats", 0) > EXPLORE_AFTER
        elif kind == "search.plateau":
            self._compare_plateau(event)
        elif kind == "shared-training.completed":
            self._compare_data(event)
        elif kind == "finals.started":
            self._start_finals(event)
        elif kind not in _OF_TRIALS_AND_ATTEMPTS:
            raise ReplayError(self._campaign_id, event.sequence, f"'{kind}' is no kind of event")

    def compare(self, row: StoredRow, spec: CampaignSpec) -> None:
        """Compares the campaign with its row. Raises ReplayError."""
        for name, expected in self._columns.items():
            stored = parsed(row, name) if name == "data" else row[name]
            if name in OLDER_COUNTS and not self.is_whole:
                continue
            if name == "state" and stored == "draft" and self._may_be_draft:
                continue
            compare(self._campaign_id, None, f"the campaign's {name}", stored, expected)
        compare(self._campaign_id, None, "the name in the specification", spec.name, self._columns["name"])
        self._compare_end(spec)

    def _live(self, event: EventRecord) -> None:
        """An event of the campaign that does not end it."""
        columns, data, at = self._columns, event.data, event.at
        if event.kind == "campaign.created":
            self.is_whole = "spec_sha256" in data
            self._may_be_draft = not self.is_whole
            columns |= {"name": data["name"], "created_at": at, "state": "draft" if "draft" in data else "pending"}
            compare(self._campaign_id, event.sequence, "whether it was a draft", data.get("draft", True), True)
        elif event.kind == "campaign.submitted":
            columns["queued_at"] = at
        elif event.kind == "campaign.updated":
            columns["name"] = data["changes"].get("name", columns["name"])
        elif event.kind == "campaign.claimed":
            self._claim(event)
        elif event.kind in ("campaign.pausing", "campaign.paused"):
            columns["pause_mode"] = data["mode"]
            columns["paused_at"] = at if event.kind == "campaign.paused" else None
        elif event.kind == "campaign.resumed":
            columns["state"] = "pending" if columns["started_at"] is None else "running"
            self._end_pause(at)
        elif event.kind == "campaign.stopping":
            columns["pause_mode"] = None
        elif event.kind == "campaign.retried":
            self._retry(event)
        elif event.kind == "campaign.continued":
            has_ended = columns["state"] in ("completed", "stopped")
            compare(self._campaign_id, event.sequence, "whether it had ended before", has_ended, True)
            self._reopen(event.at)
            columns |= {"state": "pending" if columns["started_at"] is None else "running", "stopped_because": None}
        elif event.kind == "campaign.identified":
            columns["data"] = data
        elif event.kind == "campaign.waiting":
            columns["waiting_for"] = data["for"]
        else:
            raise ReplayError(self._campaign_id, event.sequence, f"'{event.kind}' is no kind of event")

    def _claim(self, event: EventRecord) -> None:
        columns = self._columns
        columns["lease_epoch"] += 1
        columns["waiting_for"] = None
        epoch = number_of(event, "epoch")
        compare(self._campaign_id, event.sequence, "the lease's epoch", epoch, columns["lease_epoch"])
        if columns["state"] == "pending":
            columns |= {"state": "running", "started_at": event.at}
            waited = (event.at - (columns["queued_at"] or columns["created_at"])).total_seconds()
            columns["queue_seconds"] = max(0.0, waited - columns["paused_seconds"])

    def _retry(self, event: EventRecord) -> None:
        columns = self._columns
        columns["state"] = "pending" if columns["started_at"] is None else "running"
        self._reopen(event.at)
        columns["stopped_because"] = self._finals_because if "finals" in event.data else None
        columns |= {"failures": 0, "consecutive_failures": 0, "retry_epoch": columns["lease_epoch"]}

    def _start_finals(self, event: EventRecord) -> None:
        """Finals follow the search of a running campaign, or one that was over."""
        columns = self._columns
        if columns["state"] in ("completed", "stopped"):
            compare(self._campaign_id, event.sequence, "what it follows", event.data["follows"], columns["state"])
            columns["state"] = "running"
            self._reopen(event.at)
        columns["stopped_because"] = self._finals_because = event.data["because"]

    def _reopen(self, at: datetime) -> None:
        """The time since the campaign had ended counts as paused."""
        columns = self._columns
        columns["paused_seconds"] += max(0.0, (at - columns["finished_at"]).total_seconds())
        columns |= dict.fromkeys(("error", "error_kind", "finished_at"))

    def _end(self, event: EventRecord) -> None:
        data = event.data
        self._end_pause(event.at)
        self._columns |= {
            "error": data.get("error"),
            "error_kind": data.get("kind"),
            "stopped_because": data.get("because"),
            "finished_at": event.at,
            "waiting_for": None,
        }

    def _end_pause(self, at: datetime) -> None:
        columns = self._columns
        if columns["paused_at"] is not None:
            columns["paused_seconds"] += max(0.0, (at - columns["paused_at"]).total_seconds())
        columns |= {"paused_at": None, "pause_mode": None}

    def _count_outcome(self, event: EventRecord) -> None:
        columns, data, reward = self._columns, event.data, event.data["reward"]
        number, is_trained = number_of(event, "number"), data["reused_from"] is None
        columns["trials_finished"] += 1
        columns["trials_since_best"] += 1
        if event.kind == "trial.failed":
            columns["trials_failed"] += 1
            columns["failures"] += is_trained
            columns["consecutive_failures"] += is_trained
            return
        self._compare_data(event)
        if is_trained:
            columns["rewards_accepted"] += 1
            columns["consecutive_failures"] = 0
        if number == BASELINE_TRIAL:
            columns["baseline_reward"] = reward
        if columns["best_reward"] is None or reward > columns["best_reward"]:
            columns |= {"best_reward": reward, "best_trial": number, "trials_since_best": 0}
        elif reward == columns["best_reward"] and "params" in data:  # an earlier version broke no ties
            columns["best_trial"] = min(columns["best_trial"], number, key=lambda trial: self._trials[trial]["params"])

    def _compare_data(self, event: EventRecord) -> None:
        if "data_sha256" in event.data:
            found, expected = event.data["data_sha256"], self._columns["data"]["sha256"]
            compare(self._campaign_id, event.sequence, "the identity of its data", found, expected)

    def _compare_plateau(self, event: EventRecord) -> None:
        """A plateau begins with the outcome before it. Events of an earlier version say nothing of plateaus."""
        if self.is_whole:
            columns = self._columns
            begins = begins_plateau(columns["trials_since_best"], columns["trials_finished"])
            begins = begins and self._kind_before in EVENTS_OF_OUTCOMES
            compare(self._campaign_id, event.sequence, "whether a plateau begins", True, begins)
            names = ("trials_since_best", "trials_finished", "best_trial", "best_reward")
            stated = {name: columns[name] for name in names}
            compare(self._campaign_id, event.sequence, "what it says of the plateau", event.data, stated)

    def _compare_end(self, spec: CampaignSpec) -> None:
        """A campaign completes with its last trial or by a condition of its specification."""
        columns = self._columns
        finished, because, reason = columns["trials_finished"], columns["stopped_because"], None
        if columns["trials_begun"] > spec.trials:
            reason = f"{columns['trials_begun']} trials have begun; the specification has {spec.trials}"
        elif columns["state"] != "completed":
            return
        elif because is None and finished < spec.trials:
            reason = f"it is completed with {finished} of {spec.trials} trials"
        elif because is not None and not self._is_met(spec, because):
            reason = f"it is completed because of {because}, which its specification and trials do not meet"
        if reason is not None:
            raise ReplayError(self._campaign_id, None, reason)

    def _is_met(self, spec: CampaignSpec, because: str) -> bool:
        """Whether a stop condition is met. One on time is, if the specification has it: clocks are taken for true."""
        columns, limit = self._columns, getattr(spec.stop, because, None)
        if because == "exhausted":  # the replay repeats the search for a new architecture
            return True
        if because == "target_reward" and limit is not None:
            return columns["best_reward"] is not None and columns["best_reward"] >= limit
        if because == "no_improvement_trials" and limit is not None and self.is_whole:
            return bool(columns["trials_since_best"] >= limit)
        return limit is not None


def compare_specification(campaign_id: str, row: StoredRow, event: EventRecord) -> bool:
    """Compares the stored specification with the event that wrote it last: its digest, and what that event changed.

    False where the event is of a version that wrote no digest. Raises ReplayError.
    """
    spec, sequence = parsed(row, "spec"), event.sequence
    for name, value in event.data.get("changes", {}).items():
        compare(campaign_id, sequence, f"the stored specification's {name}", spec[name], value)
    if "spec_sha256" not in event.data:
        return False
    digest = sha256_hex(canonical_json(spec))
    compare(campaign_id, sequence, "the stored specification's digest", digest, event.data["spec_sha256"])
    return True
