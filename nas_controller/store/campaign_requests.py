"""Requests of the service's clients: to create, start, change, pause, resume, stop, retry and continue campaigns, and
for finals.

Every field of a draft may change until it is started. Later, the fields that determine the search (space, controller,
seed, data and proxy task) are fixed, so that a replay is exact; the number of trials and the resources may change until
the campaign ends.

A pause with `drain` lets the trials in training finish and begins no others; `abort` abandons them at once. Then the
runner ends, and the campaign waits to be resumed. Trials without an outcome stay `running`: the next runner retries
them, from their checkpoints if there are any.

A completed or stopped campaign is continued by a change that leaves it trials to run. Finals can be run, or run on with
more seeds and finalists, after it. A campaign that has failed is retried first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy.orm import Session

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import PauseMode, StopReason
from nas_controller.store import models
from nas_controller.store.campaign_annotations import annotate, split_patch
from nas_controller.store.campaign_endings import end_campaign, end_pause, reopen, restart_trials
from nas_controller.store.campaign_ids import new_campaign_id
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.events import add_event
from nas_controller.store.finals_starts import begin_finals, require_same_settings
from nas_controller.store.mappers import campaign_record, is_in_finals
from nas_controller.store.merge_patch import patched
from nas_controller.store.records import CampaignRecord
from nas_controller.store.row_lookup import find_campaign
from nas_controller.store.stop_conditions import reached_condition
from nas_controller.store.stored_specifications import SPEC_VERSION
from nas_controller.store.transitions import move_campaign, next_campaign_state
from nas_controller.store.trial_outcomes import digest_of
from search_space.errors import InvalidValueError

CHANGEABLE = (
    "name", "trials", "parallelism", "stop", "resources", "retries", "trial_timeout_seconds", "max_failures",
    "max_consecutive_failures", "share", "finals",
)  # fmt: skip
"""Fields of a campaign that may change after its start."""


class CampaignRequests:
    """Requests of the service's clients. Repeating a request changes nothing.

    All raise ConflictError if the campaign's state does not allow the request (`states.CAMPAIGN_TRANSITIONS`),
    NotFoundError, and StoreUnavailableError when the database is unavailable.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create_campaign(
        self, spec: CampaignSpec, campaign_id: str | None = None, *, draft: bool = False
    ) -> CampaignRecord:
        """Creates a campaign: `pending`, which a supervisor will start, or a `draft`, which waits to be started.

        `campaign_id` is an id that was reserved for it (`IdempotencyKeys.reserve_key`). If a campaign has it already,
        an earlier attempt at the same request created it; it is returned unchanged.
        """
        now = self._clock()
        with self._database.writing() as session:
            existing = None if campaign_id is None else session.get(models.Campaign, campaign_id)
            if existing is not None:
                return campaign_record(existing)
            row = models.Campaign(
                id=campaign_id or new_campaign_id(now),
                name=spec.name,
                state="draft" if draft else "pending",
                spec=spec.model_dump(mode="json"),
                spec_version=SPEC_VERSION,
                created_at=now,
                trials_begun=0,
                trials_finished=0,
                last_event=0,
                lease_epoch=0,
                paused_seconds=0.0,
                device_seconds=0.0,
                trials_since_best=0,
                progress_reports=0,
                first_reports=0,
                first_report_seconds=0.0,
                trials_failed=0,
                rewards_accepted=0,
                workers_killed=0,
                attempts_lost=0,
                failures=0,
                consecutive_failures=0,
                retry_epoch=0,
                repeats_skipped=0,
                reheated_trials=0,
            )
            session.add(row)
            session.flush()
            facts = {"name": spec.name, "spec_sha256": digest_of(row.spec)} | ({"draft": True} if draft else {})
            add_event(session, row, now, "campaign.created", facts)
            return campaign_record(row)

    def start_campaign(self, campaign_id: str) -> CampaignRecord:
        """Makes a draft `pending`, for a supervisor to run."""
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if move_campaign(row, "start"):
                row.queued_at = now
                add_event(session, row, now, "campaign.submitted", {})
            return campaign_record(row)

    def update_campaign(self, campaign_id: str, patch: Mapping[str, Any], by: str | None = None) -> CampaignRecord:
        """Changes fields of a campaign by a JSON merge patch (RFC 7396): null restores a field's default. A completed
        campaign, and a stopped one with `trials`, continues with the change, which must leave it trials to run.
        Annotations (`entities.Annotations`) change in every state and continue nothing; `by` is the key of the writer.

        A patch that changes nothing adds no event. Raises pydantic's ValidationError if the result would be invalid,
        InvalidValueError for fewer trials than have begun, or none left of a completed campaign, and ConflictError for
        a field that can no longer change.
        """
        now = self._clock()
        annotations, fields = split_patch(patch)
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if fields or not annotations:
                _change(session, row, now, fields)
            annotate(session, row, now, annotations, by)
            return campaign_record(row)

    def request_finals(self, campaign_id: str, changes: Mapping[str, Any]) -> CampaignRecord:
        """Begins the finals of a campaign that is over, or continues them with more seeds or finalists. `changes` are
        fields of `finals` in its specification; the others stay as they are.

        Raises pydantic's ValidationError if the result would be invalid, and ConflictError for other settings than
        those of its earlier finals, where nothing is left to train, and without a baseline to compare with.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            follows: Literal["completed", "stopped"] = "stopped" if row.state == "stopped" else "completed"
            move_campaign(row, "finals")
            before = campaign_record(row).spec.model_dump(mode="json")
            document = {**before, "finals": {**(before["finals"] or {}), **changes}}
            after = CampaignSpec.model_validate(document).model_dump(mode="json")
            if row.baseline_reward is None:
                raise ConflictError(
                    f"campaign '{campaign_id}': its baseline has no reward, so there is nothing to compare with",
                    field="state",
                )
            if after["finals"] != before["finals"]:
                _write_specification(session, row, now, after, {"finals": after["finals"]})
            if not begin_finals(session, row, now, follows, cast("StopReason | None", row.stopped_because)):
                known = row.finals or {}
                raise ConflictError(
                    f"campaign '{campaign_id}': its finals are done with {len(known['finalists'])} finalists and "
                    f"{len(known['seeds'])} seeds; give more `seeds`, or a larger `top`",
                    field="seeds",
                )
            reopen(row, now)
            return campaign_record(row)

    def request_pause(self, campaign_id: str, mode: PauseMode = "drain") -> CampaignRecord:
        """Pauses a campaign. A pending one is `paused` at once; a running one is `pausing` until its runner has ended.
        `abort` may follow a `drain` that takes too long.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            is_escalated = row.state == "pausing" and row.pause_mode == "drain" and mode == "abort"
            if move_campaign(row, "pause") or is_escalated:
                row.pause_mode = mode
                row.paused_at = now if row.state == "paused" else None
                add_event(session, row, now, f"campaign.{row.state}", {"mode": mode})
            return campaign_record(row)

    def request_resume(self, campaign_id: str) -> CampaignRecord:
        """Resumes a paused campaign, or cancels a pause that is still in progress."""
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if move_campaign(row, "resume", "pending" if row.started_at is None else "running"):
                end_pause(row, now)
                add_event(session, row, now, "campaign.resumed", {})
            return campaign_record(row)

    def request_retry(self, campaign_id: str) -> CampaignRecord:
        """Lets a failed campaign go on. Finished trials keep their outcomes, and those that had none when it failed run
        again. Their attempts so far, and the failures so far, do not count any more.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            move_campaign(row, "retry", "pending" if row.started_at is None else "running")
            reopen(row, now)
            row.failures = 0
            row.consecutive_failures = 0
            row.retry_epoch = row.lease_epoch
            if row.finals is not None and row.finals["state"] == "interrupted":
                row.finals = {**row.finals, "state": "running"}
                row.stopped_because = row.finals["because"]
                add_event(session, row, now, "campaign.retried", {"trials": [], "finals": True})
            else:
                row.stopped_because = None
                add_event(session, row, now, "campaign.retried", {"trials": restart_trials(session, row)})
            return campaign_record(row)

    def request_stop(self, campaign_id: str) -> CampaignRecord:
        """Stops a campaign. One without a runner (a draft, pending or paused) is `stopped` at once; a running one is
        `stopping` until its runner has ended its trials.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            state = next_campaign_state(row, "stop")
            if state == "stopped" != row.state:
                end_campaign(session, row, now, "stop")
            elif move_campaign(row, "stop"):
                row.pause_mode = None
                add_event(session, row, now, "campaign.stopping", {})
            return campaign_record(row)


def _change(session: Session, row: models.Campaign, now: datetime, patch: Mapping[str, Any]) -> None:
    """Changes fields of the specification of a locked campaign. Raises as `update_campaign`."""
    ended = row.state
    continues = ended == "completed" or (ended == "stopped" and "trials" in patch)
    if continues:
        move_campaign(row, "continue", "pending" if row.started_at is None else "running")
    else:
        move_campaign(row, "update")
    before = campaign_record(row).spec.model_dump(mode="json")
    after = CampaignSpec.model_validate(patched(before, patch)).model_dump(mode="json")
    changed = {name: value for name, value in after.items() if value != before[name]}
    for name in changed:
        if row.state != "draft" and name not in CHANGEABLE:
            raise ConflictError(
                f"campaign '{row.id}' is {ended}: `{name}` cannot be changed after the start; "
                f"{', '.join(CHANGEABLE)} can",
                field=name,
            )
    if after["trials"] < row.trials_begun:
        raise InvalidValueError(
            f"{row.trials_begun} trials have begun; `trials` must be at least that, not {after['trials']}",
            field="trials",
        )
    if is_in_finals(row) and (fixed := changed.keys() & {"trials", "finals"}):
        raise ConflictError(
            f"campaign '{row.id}' is in its finals: `{min(fixed)}` can be changed after them", field=min(fixed)
        )
    if changed:
        _write_specification(session, row, now, after, changed)
    if continues:
        _continue(session, row, now, ended)


def _write_specification(
    session: Session, row: models.Campaign, now: datetime, after: dict[str, Any], changed: Mapping[str, Any]
) -> None:
    """Changes the specification of a locked campaign. Raises ConflictError where its finals could not go on with it."""
    require_same_settings(row, CampaignSpec.model_validate(after))
    row.name = after["name"]
    row.spec = after
    row.spec_version = SPEC_VERSION
    facts = {"changes": dict(changed), "spec_sha256": digest_of(after)}
    add_event(session, row, now, "campaign.updated", facts)


def _continue(session: Session, row: models.Campaign, now: datetime, ended: str) -> None:
    """Lets a locked campaign that had `ended` as this state go on. Raises InvalidValueError where that would be its end
    again, and ConflictError in the middle of its finals.
    """
    if row.finals is not None and row.finals["state"] == "interrupted":
        raise ConflictError(
            f"campaign '{row.id}' was stopped in its finals; run them to their end first, and continue it then",
            field="state",
        )
    if row.spec["trials"] <= row.trials_finished:
        raise InvalidValueError(
            f"campaign '{row.id}' is {ended} with {row.trials_finished} trials; it continues with `trials` above "
            f"{row.trials_finished}, not with {row.spec['trials']}",
            field="trials",
        )
    reopen(row, now)
    row.stopped_because = None
    reached = reached_condition(row, now)
    if reached is not None:
        raise InvalidValueError(
            f"campaign '{row.id}' would end at once, since its `stop.{reached}` is reached; give a higher one with "
            "`trials`, or null",
            field=f"stop.{reached}",
        )
    add_event(session, row, now, "campaign.continued", {"trials": restart_trials(session, row)})
