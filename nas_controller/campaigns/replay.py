"""Replays a campaign from its seed and compares the whole record with the replay and its events, bit for bit.

The events give the order in which trials began and outcomes arrived; everything else of the search follows from the
seed. No history of controller states is needed: the event of each outcome has the digest of the state after it. What
does not follow from the seed is compared with the events (`nas_controller.campaigns.record_checks` for trials and
attempts, `nas_controller.campaigns.campaign_checks` for the campaign); what nothing confirms is listed
(`nas_controller.campaigns.verification`).

A replay is exact on one kind of processor with one version of NumPy: others may round an exponential differently. The
event `campaign.claimed` names the machine and versions that the campaign ran on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from nas_controller.campaigns.campaign_checks import OLDER_COUNTS, CampaignChecks, compare_specification
from nas_controller.campaigns.finals_checks import FinalsChecks
from nas_controller.campaigns.record_checks import AttemptChecks, TrialChecks
from nas_controller.campaigns.replay_error import ReplayError, compare, number_of, parsed
from nas_controller.campaigns.shared_training_checks import SharedTrainingChecks
from nas_controller.campaigns.verification import NEVER_CHECKED, NotChecked, Verification, checked_columns
from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.search.early_stopping import MedianRule
from nas_controller.search.proposals import Search, SpaceExhaustedError
from nas_controller.states import EVENTS_OF_OUTCOMES
from nas_controller.store import EventRecord, Store
from nas_controller.store.record_rows import RecordRows, StoredRow
from nas_controller.store.stored_specifications import read_specification

__all__ = ["ReplayError", "Verification", "verify"]

_EVENTS_PER_READ = 500


def verify(store: Store, campaign_id: str) -> Verification:
    """Replays a campaign; an unfinished one up to its latest event.

    Raises ReplayError with the first event at which a difference is found, and NotFoundError.
    """
    sequence: int | None = None
    try:
        rows = store.reads.record_rows(campaign_id)
        spec, has_digest = _specification(campaign_id, rows)
        rule = None
        if spec.early_stopping is not None:
            rule = MedianRule(spec.early_stopping, store.reads.intermediate_aps(campaign_id))
        attempts = AttemptChecks(campaign_id, rows)
        trials = TrialChecks(campaign_id, rows, attempts)
        shared = SharedTrainingChecks(campaign_id)
        finals = FinalsChecks(campaign_id, rows, spec.objective)
        campaign = CampaignChecks(campaign_id, rows.trials)
        replay = _Replay(campaign_id, Search(spec), rows, rule)
        last, sequence = int(rows.campaign["last_event"]), 0
        for event in _events(store, campaign_id, last):
            if event.sequence != sequence + 1:
                raise ReplayError(campaign_id, sequence + 1, f"is missing; the next event is {event.sequence}")
            sequence = event.sequence
            if not isinstance(event.data, dict):
                raise TypeError(f"its data is {event.data!r}, no object")
            for each in (attempts, trials, replay, shared, finals, campaign):
                each.follow(event)
        if sequence != last:
            raise ReplayError(campaign_id, sequence + 1, f"is missing; the campaign counts {last} events")
        sequence = None
        attempts.compare()
        trials.compare()
        replay.compare_end()
        shared.compare(rows.campaign)
        finals.compare()
        campaign.compare(rows.campaign, spec)
    except (KeyError, TypeError, AttributeError, ValueError, SpaceExhaustedError) as error:
        # What was edited can have any shape: a missing key, a text for a number, widths that no budget allows, or a
        # space without a new architecture.
        raise ReplayError(campaign_id, sequence, f"is malformed: {type(error).__name__}: {error}") from error
    unchecked = attempts.unchecked_metrics + trials.unchecked_metrics
    not_checked = (*NEVER_CHECKED, *_not_checked_of_older(has_digest, campaign.is_whole, unchecked))
    return Verification(
        campaign_id,
        last,
        replay.begun,
        replay.finished,
        None if rows.controller is None else rows.controller["digest"],
        checked_columns(rows.columns, not_checked),
        not_checked,
    )


def _specification(campaign_id: str, rows: RecordRows) -> tuple[CampaignSpec, bool]:
    """The stored specification, and whether its digest was compared."""
    has_digest = rows.specified is not None and compare_specification(campaign_id, rows.campaign, rows.specified)
    try:
        return read_specification(parsed(rows.campaign, "spec"), rows.campaign["spec_version"]), has_digest
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ReplayError(campaign_id, None, f"its specification is invalid: {where}: {first['msg']}") from error


def _not_checked_of_older(has_digest: bool, is_whole: bool, unchecked_metrics: int) -> Iterator[NotChecked]:
    """What the events of earlier versions leave unconfirmed."""
    if not has_digest:
        yield NotChecked("campaigns.spec", "its event is of a version that wrote no digest; the replay uses its search")
    if not is_whole:
        names = ", ".join(f"campaigns.{name}" for name in OLDER_COUNTS)
        yield NotChecked(names, "an earlier version began the campaign and did not count them")
    if unchecked_metrics:
        yield NotChecked(f"metrics of {unchecked_metrics} outcomes", "their events are of a version without digests")


class _Replay:
    """Replays a search event by event."""

    def __init__(self, campaign_id: str, search: Search, rows: RecordRows, rule: MedianRule | None) -> None:
        self._campaign_id = campaign_id
        self._search = search
        self._rows = rows
        self._rule = rule
        self._first_of: dict[tuple[int, ...], int] = {}
        self._rewards: dict[int, float] = {}
        self._last_outcome: int | None = None
        self.begun = 0

    @property
    def finished(self) -> int:
        """Trials with an outcome so far."""
        return len(self._rewards)

    def follow(self, event: EventRecord) -> None:
        """Replays an event. Raises ReplayError if the result differs from it."""
        if event.kind == "trial.begun":
            self._begin(event)
        elif event.kind in EVENTS_OF_OUTCOMES:
            self._learn(event)
        elif event.kind == "campaign.completed" and event.data.get("because") == "exhausted":
            self._compare_exhaustion(event)

    def compare_end(self) -> None:
        """Compares the stored controller with that of the replay, and that there are no more trials than have begun."""
        if len(self._rows.trials) != self.begun:
            stored = f"{len(self._rows.trials)} trials are stored, but {self.begun} begin in the events"
            raise ReplayError(self._campaign_id, None, stored)
        row = self._rows.controller
        sequence = None if row is None else row["sequence"]
        self._compare(None, "the event of the stored controller", sequence, self._last_outcome)
        if row is not None:
            if parsed(row, "state") != self._search.controller.state():
                raise ReplayError(self._campaign_id, None, "the stored controller differs from that of the replay")
            self._compare(None, "the stored controller's digest", row["digest"], self._search.digest())

    def _begin(self, event: EventRecord) -> None:
        number, data = number_of(event, "number"), event.data
        self._compare(event, "the trial's number", number, self.begun)
        proposed = self._search.propose(number, self._first_of.__contains__)
        candidate = proposed.candidate
        expected = {
            "draw": proposed.draw,
            "choices": None if proposed.choices is None else list(proposed.choices),
            "log_probability": proposed.log_probability,
            "widths": list(candidate.widths),
            "reused_from": self._first_of.get(candidate.widths),
        }
        for name, value in expected.items():
            self._compare(event, f"trial {number}: {name}", data[name], value)
        # An event of a version that proposed repeats says nothing of skipped ones.
        self._compare(event, f"trial {number}: the skipped repeats", data.get("repeats", 0), proposed.repeats)
        row = self._row(event, number)
        stored = {name: value for name, value in expected.items() if name != "draw"}
        stored |= {name: list(value) if isinstance(value, tuple) else value for name, value in vars(candidate).items()}
        for name, value in stored.items():
            found = parsed(row, name) if isinstance(value, list) or name == "choices" else row[name]
            self._compare(event, f"trial {number}: the stored {name}", found, value)
        self._first_of.setdefault(candidate.widths, number)
        self.begun += 1

    def _learn(self, event: EventRecord) -> None:
        number, reward = number_of(event, "number"), event.data["reward"]
        row = self._row(event, number)
        if number >= self.begun or number in self._rewards:
            raise ReplayError(self._campaign_id, event.sequence, f"trial {number} is not running")
        failed = event.kind == "trial.failed"
        if failed:
            self._compare(event, f"trial {number}: the reward of a failed trial", reward, 0.0)
        if row["reused_from"] is not None:
            known = self._rewards.get(row["reused_from"])
            self._compare(event, f"trial {number}: the reward of trial {row['reused_from']}", reward, known)
        else:
            self._compare_early_stop(event)
        self._search.controller = self._search.updated_controller(
            parsed(row, "choices"), row["log_probability"], reward, failed, row["latency_ratio"], row["params"]
        )
        self._compare(event, "the controller's digest", event.data["controller_sha256"], self._search.digest())
        self._rewards[number] = reward
        if self._rule is not None and not failed:
            self._rule.completed(number)
        self._last_outcome = event.sequence

    def _compare_exhaustion(self, event: EventRecord) -> None:
        """Repeats the search for a new architecture that ended the campaign."""
        try:
            proposed = self._search.propose(self.begun, self._first_of.__contains__)
        except SpaceExhaustedError:
            return
        widths = list(proposed.candidate.widths)
        self._compare(event, "whether nothing new is left to propose", True, f"trial {self.begun}: widths {widths}")

    def _compare_early_stop(self, event: EventRecord) -> None:
        """Repeats the decision whether a trial is stopped early."""
        number, stop = number_of(event, "number"), event.data.get("stopped_early")
        if stop is not None:
            self._compare(event, f"trial {number}: the AP of its early stop", stop["ap"], event.data["reward"])
            found = None if self._rule is None else self._rule.verdict(number, stop["step"], stop["ap"])
            decided = None if found is None else found.to_dict()
            self._compare(event, f"trial {number}: the early stop", stop, decided)

    def _row(self, event: EventRecord, number: int) -> StoredRow:
        if number not in self._rows.trials:
            raise ReplayError(self._campaign_id, event.sequence, f"trial {number} is not stored")
        return self._rows.trials[number]

    def _compare(self, event: EventRecord | None, what: str, stored: Any, replayed: Any) -> None:
        compare(self._campaign_id, None if event is None else event.sequence, what, stored, replayed)


def _events(store: Store, campaign_id: str, last: int) -> Iterator[EventRecord]:
    sequence = 0
    while batch := store.reads.events_after(campaign_id, sequence, _EVENTS_PER_READ):
        for event in batch:
            if event.sequence > last:
                return
            yield event
        sequence = batch[-1].sequence
