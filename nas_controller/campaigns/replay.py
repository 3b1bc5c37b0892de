"""Replays a campaign from its seed and compares every event and the final controller, bit for bit.

The events give the order in which trials began and outcomes arrived; everything else follows from the seed. No history
of controller states is needed: the event of each outcome has the digest of the state after it.

A replay is exact on one kind of processor with one version of NumPy: others may round an exponential differently. The
event `campaign.claimed` names the machine and versions that the campaign ran on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nas_controller.search.early_stopping import MedianRule
from nas_controller.search.proposals import Search
from nas_controller.states import BASELINE_TRIAL, EVENTS_OF_OUTCOMES
from nas_controller.store import CampaignRecord, EventRecord, Store
from search_space.errors import EffspineError

_EVENTS_PER_READ = 500


class ReplayError(EffspineError):
    """The stored campaign differs from its replay: at the event `sequence`, or in its final state if that is None."""

    def __init__(self, campaign_id: str, sequence: int | None, message: str) -> None:
        where = "the stored state" if sequence is None else f"event {sequence}"
        super().__init__(f"campaign '{campaign_id}', {where}: {message}")
        self.sequence = sequence


@dataclass(frozen=True)
class Verification:
    """Counts of a campaign whose replay is exact, and the digest of its controller."""

    campaign_id: str
    events: int
    trials_begun: int
    trials_finished: int
    controller_sha256: str | None

    def to_dict(self) -> dict[str, Any]:
        """The verification as plain JSON values."""
        return {
            "campaign_id": self.campaign_id,
            "exact": True,
            "events": self.events,
            "trials_begun": self.trials_begun,
            "trials_finished": self.trials_finished,
            "controller_sha256": self.controller_sha256,
        }


def verify(store: Store, campaign_id: str) -> Verification:
    """Replays a campaign; an unfinished one up to its latest event.

    Raises ReplayError with the first event that differs, and NotFoundError.
    """
    while True:
        campaign = store.reads.get_campaign(campaign_id)
        rows = _trial_rows(store, campaign_id)
        stored = store.reads.controller_state(campaign_id)
        if store.reads.get_campaign(campaign_id).last_event == campaign.last_event:
            break  # the campaign did not change between the reads
    stopping = campaign.spec.early_stopping
    rule = None if stopping is None else MedianRule(stopping, store.reads.intermediate_aps(campaign_id))
    replay = _Replay(campaign_id, Search(campaign.spec), rows, rule)
    count = 0
    for event in _events(store, campaign_id, campaign.last_event):
        count += 1
        if event.sequence != count:
            raise ReplayError(campaign_id, count, f"is missing; the next event is {event.sequence}")
        replay.follow(event)
    if count != campaign.last_event:
        raise ReplayError(campaign_id, count + 1, f"is missing; the campaign counts {campaign.last_event} events")
    if len(rows) != replay.begun:
        raise ReplayError(campaign_id, None, f"{len(rows)} trials are stored, but {replay.begun} begin in the events")
    replay.compare_end(campaign, None if stored is None else stored.state, None if stored is None else stored.sequence)
    digest = None if stored is None else stored.digest
    return Verification(campaign_id, count, replay.begun, replay.finished, digest)


class _Replay:
    """Replays a search event by event."""

    def __init__(
        self,
        campaign_id: str,
        search: Search,
        rows: Mapping[int, Mapping[str, Any]],
        rule: MedianRule | None,
    ) -> None:
        self._campaign_id = campaign_id
        self._search = search
        self._rows = rows
        self._rule = rule
        self._first_of: dict[tuple[int, ...], int] = {}
        self._rewards: dict[int, float] = {}
        self._last_outcome: int | None = None
        self._baseline: float | None = None
        self._best: tuple[float, int] | None = None
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

    def compare_end(self, campaign: CampaignRecord, state: Mapping[str, Any] | None, sequence: int | None) -> None:
        """Compares the stored controller and the campaign's counts with those of the replay."""
        if sequence != self._last_outcome:
            raise ReplayError(
                self._campaign_id,
                None,
                f"belongs to event {sequence}, but the last outcome is event {self._last_outcome}",
            )
        if state is not None:
            self._compare(None, "the controller", dict(state), self._search.controller.state())
        best_reward, best_trial = self._best or (None, None)
        for name, stored, replayed in (
            ("trials_begun", campaign.trials_begun, self.begun),
            ("trials_finished", campaign.trials_finished, self.finished),
            ("baseline_reward", campaign.baseline_reward, self._baseline),
            ("best_reward", campaign.best_reward, best_reward),
            ("best_trial", campaign.best_trial, best_trial),
        ):
            self._compare(None, f"the campaign's {name}", stored, replayed)

    def _begin(self, event: EventRecord) -> None:
        number, data = event.data["number"], event.data
        self._compare(event, "the trial's number", number, self.begun)
        proposed = self._search.propose(number)
        widths = proposed.candidate.widths
        expected = {
            "draw": proposed.draw,
            "choices": None if proposed.choices is None else list(proposed.choices),
            "log_probability": proposed.log_probability,
            "widths": list(widths),
            "reused_from": self._first_of.get(widths),
        }
        for name, value in expected.items():
            self._compare(event, f"trial {number}: {name}", data[name], value)
        row = self._row(event, number)
        for name in ("choices", "log_probability", "widths", "reused_from"):
            self._compare(event, f"trial {number}: the stored {name}", row[name], expected[name])
        self._compare(event, f"trial {number}: the stored betas", row["betas"], list(proposed.candidate.betas))
        self._first_of.setdefault(widths, number)
        self.begun += 1

    def _learn(self, event: EventRecord) -> None:
        number, reward = event.data["number"], event.data["reward"]
        row = self._row(event, number)
        if number >= self.begun or number in self._rewards:
            raise ReplayError(self._campaign_id, event.sequence, f"trial {number} is not running")
        self._compare(event, f"trial {number}: the stored reward", row["reward"], reward)
        self._compare(event, f"trial {number}: the stored state", f"trial.{row['state']}", event.kind)
        failed = event.kind == "trial.failed"
        if failed:
            self._compare(event, f"trial {number}: the reward of a failed trial", reward, 0.0)
        if row["reused_from"] is not None:
            original = self._rewards.get(row["reused_from"])
            self._compare(event, f"trial {number}: the reward of trial {row['reused_from']}", reward, original)
        else:
            self._compare_early_stop(event, row)
        self._search.controller = self._search.updated_controller(
            row["choices"], row["log_probability"], reward, failed
        )
        self._compare(event, "the controller's digest", event.data["controller_sha256"], self._search.digest())
        self._rewards[number] = reward
        if not failed:
            self._complete(number, reward)
        self._last_outcome = event.sequence

    def _complete(self, number: int, reward: float) -> None:
        if number == BASELINE_TRIAL:
            self._baseline = reward
        if self._best is None or reward > self._best[0]:
            self._best = reward, number
        if self._rule is not None:
            self._rule.completed(number)

    def _compare_early_stop(self, event: EventRecord, row: Mapping[str, Any]) -> None:
        """Repeats the decision whether a trial is stopped early."""
        number, stop = event.data["number"], event.data.get("stopped_early")
        stopped_at = None if stop is None else stop["step"]
        self._compare(
            event, f"trial {number}: the stored step of its early stop", row["stopped_early_step"], stopped_at
        )
        if stop is not None:
            self._compare(event, f"trial {number}: the AP of its early stop", stop["ap"], event.data["reward"])
            decision = None if self._rule is None else self._rule.verdict(number, stop["step"], stop["ap"])
            replayed = None if decision is None else decision.to_dict()
            self._compare(event, f"trial {number}: the early stop", stop, replayed)

    def _row(self, event: EventRecord, number: int) -> Mapping[str, Any]:
        if number not in self._rows:
            raise ReplayError(self._campaign_id, event.sequence, f"trial {number} is not stored")
        return self._rows[number]

    def _compare(self, event: EventRecord | None, subject: str, stored: object, replayed: object) -> None:
        if stored != replayed:
            difference = "differs" if subject == "the controller" else f"is {stored!r}; the replay gives {replayed!r}"
            raise ReplayError(self._campaign_id, None if event is None else event.sequence, f"{subject} {difference}")


def _events(store: Store, campaign_id: str, last: int) -> Iterator[EventRecord]:
    sequence = 0
    while batch := store.reads.events_after(campaign_id, sequence, _EVENTS_PER_READ):
        for event in batch:
            if event.sequence > last:
                return
            yield event
        sequence = batch[-1].sequence


def _trial_rows(store: Store, campaign_id: str) -> dict[int, dict[str, Any]]:
    names = (
        "number", "state", "reward", "choices", "log_probability", "betas", "widths", "reused_from",
        "stopped_early_step",
    )  # fmt: skip
    columns = store.reads.trial_columns(campaign_id, *names)
    rows = zip(*(columns[name] for name in names), strict=True)
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}
