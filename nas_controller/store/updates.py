"""Drafts, and changes of campaigns.

A draft may be changed in every way until it is started. Later, what fixes the search (its space, controller, seed,
data and proxy task) stays as it is, so that the record can be replayed; how much of it is done, and with how much at
once, may change at any time before the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_controller.search.campaign_spec import CampaignSpec
from nas_controller.states import FINISHED_CAMPAIGN_STATES
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.lifecycle import Clock, add_event
from nas_controller.store.mappers import campaign_record
from nas_controller.store.queries import find_campaign
from nas_controller.store.records import CampaignRecord
from search_space.errors import InvalidValueError

CHANGEABLE = (
    "name", "trials", "parallelism", "stop", "resources", "retries", "trial_timeout_seconds", "share",
)  # fmt: skip
"""Fields of a campaign that may change after its start."""


class Updates:
    """Changing and starting campaigns. All raise StoreUnavailableError when the database is away."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start_campaign(self, campaign_id: str) -> CampaignRecord:
        """Makes a draft `pending`, for a supervisor to run; one that was started already is left as it is.

        Raises NotFoundError, and ConflictError when it is over.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if row.state in FINISHED_CAMPAIGN_STATES:
                raise ConflictError(f"campaign '{campaign_id}' is {row.state} and cannot be started", field="state")
            if row.state == "draft":
                row.state = "pending"
                row.queued_at = now
                add_event(session, row, now, "campaign.submitted", {})
            return campaign_record(row)

    def update_campaign(self, campaign_id: str, patch: Mapping[str, Any]) -> CampaignRecord:
        """Changes fields of a campaign by a JSON merge patch (RFC 7396): null takes a field's default.

        A patch that changes nothing leaves no event. Raises NotFoundError; pydantic's ValidationError where the whole
        would be no campaign; InvalidValueError for fewer trials than have begun; and ConflictError for a field that
        cannot be changed any more, or for a campaign that is stopping or over.
        """
        now = self._clock()
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            if row.state == "stopping" or row.state in FINISHED_CAMPAIGN_STATES:
                raise ConflictError(f"campaign '{campaign_id}' is {row.state} and cannot be changed", field="state")
            before = campaign_record(row).spec.model_dump(mode="json")
            after = CampaignSpec.model_validate(_merged(before, patch)).model_dump(mode="json")
            changed = {name: value for name, value in after.items() if value != before[name]}
            for name in changed:
                if row.state != "draft" and name not in CHANGEABLE:
                    raise ConflictError(
                        f"campaign '{campaign_id}' is {row.state}: `{name}` cannot be changed after the start; "
                        f"{', '.join(CHANGEABLE)} can",
                        field=name,
                    )
            if after["trials"] < row.trials_begun:
                raise InvalidValueError(
                    f"{row.trials_begun} trials have begun; `trials` must be at least that, not {after['trials']}",
                    field="trials",
                )
            if changed:
                row.name = after["name"]
                row.spec = after
                add_event(session, row, now, "campaign.updated", {"changes": changed})
            return campaign_record(row)


def _merged(document: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(document) if isinstance(document, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value)
    return merged
