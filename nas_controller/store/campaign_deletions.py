"""Deletes campaigns: their rows in one transaction, which also notes the files that are to be removed after it.

A process that dies in between leaves the note, and whoever finds it removes the files. The other order could leave a
campaign whose detectors and exports are gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from nas_controller.states import (
    DELETABLE_CAMPAIGN_STATES,
    EXPORT_STATES_IN_PROGRESS,
    FINISHED_TRAINING_STATES,
    TRIAL_STARTS,
)
from nas_controller.store import models
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.errors import ConflictError
from nas_controller.store.row_lookup import find_campaign

_CHILDREN_FIRST = (
    models.Export,
    models.Final,
    models.Measurement,
    models.Attempt,
    models.Trial,
    models.ControllerState,
    models.SinkCursor,
    models.Event,
)


@dataclass(frozen=True)
class Deletion:
    """A campaign whose rows are deleted and whose files are not removed yet, with the ids of its exports."""

    campaign_id: str
    exports: tuple[str, ...]


class CampaignDeletions:
    """Writes of the service and of supervisors. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def delete_campaign(self, campaign_id: str, has_own_weights: Callable[[str], bool]) -> Deletion:
        """Deletes a campaign that has ended or is a draft, with its trials, events and exports. Trainings of its trials
        stay, and name it no longer.

        `has_own_weights` says of the id of a training whether it has copied the weights that it starts from. Raises
        NotFoundError, and ConflictError in another state, while an export is made, and while a training needs weights.
        """
        with self._database.writing() as session:
            row = find_campaign(session, campaign_id, lock=True)
            _require_deletable(session, row, has_own_weights)
            exports = select(models.Export.id).where(models.Export.campaign_id == campaign_id)
            deletion = Deletion(campaign_id, tuple(session.scalars(exports.order_by(models.Export.id))))
            training = models.Training
            detached = update(training).where(training.campaign_id == campaign_id)
            session.execute(detached.values(campaign_id=None, trial=None))
            for table in _CHILDREN_FIRST:
                session.execute(delete(table).where(table.campaign_id == campaign_id))
            session.execute(delete(models.Campaign).where(models.Campaign.id == campaign_id))
            session.add(
                models.CampaignDeletion(
                    campaign_id=campaign_id, exports=list(deletion.exports), deleted_at=self._clock()
                )
            )
        return deletion

    def unfinished_deletions(self) -> tuple[Deletion, ...]:
        """The deleted campaigns whose files may still be there."""
        table = models.CampaignDeletion
        with self._database.reading() as session:
            rows = session.execute(select(table.campaign_id, table.exports).order_by(table.deleted_at))
            return tuple(Deletion(campaign_id, tuple(exports)) for campaign_id, exports in rows)

    def finish_deletion(self, campaign_id: str) -> None:
        """Records that the files of a deleted campaign are removed."""
        table = models.CampaignDeletion
        with self._database.writing() as session:
            session.execute(delete(table).where(table.campaign_id == campaign_id))


def _require_deletable(session: Session, row: models.Campaign, has_own_weights: Callable[[str], bool]) -> None:
    if row.state not in DELETABLE_CAMPAIGN_STATES:
        *others, last = DELETABLE_CAMPAIGN_STATES
        raise ConflictError(
            f"campaign '{row.id}' is {row.state} and cannot be deleted; only one that is {', '.join(others)} or {last} "
            "can be, so stop it first",
            field="state",
        )
    export, training = models.Export, models.Training
    being_made = select(export.id).where(export.campaign_id == row.id, export.state.in_(EXPORT_STATES_IN_PROGRESS))
    if (found := session.scalars(being_made.limit(1)).first()) is not None:
        raise ConflictError(f"campaign '{row.id}': export {found} is being made; delete it after that", field="state")
    needing = select(training.id).where(
        training.campaign_id == row.id,
        training.start.in_(TRIAL_STARTS),
        training.state.not_in(FINISHED_TRAINING_STATES),
    )
    for training_id in session.scalars(needing):
        if not has_own_weights(training_id):
            raise ConflictError(
                f"campaign '{row.id}': training {training_id} has not read the weights that it starts from; stop it, "
                "or delete the campaign once it trains",
                field="state",
            )
