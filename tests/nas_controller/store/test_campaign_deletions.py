"""Campaigns are deleted with their rows, and what else lives stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from nas_controller.states import CAMPAIGN_STATES, DELETABLE_CAMPAIGN_STATES
from nas_controller.store import ConflictError, NotFoundError, Store, models
from tests.support.exports import export_request
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trainings import training_request


def has_none(_training_id: str) -> bool:
    return False


def rows_of(store: Store, campaign_id: str) -> dict[str, int]:
    """The number of rows of a campaign in every table that names one."""
    counts = {}
    with store._database.reading() as session:
        for mapper in models.Base.registry.mappers:
            table = mapper.local_table
            name = "campaign_id" if "campaign_id" in table.c else "id"
            counts[table.name] = session.scalar(  # type: ignore[attr-defined]
                select(func.count()).select_from(table).where(table.c.get(name, table.c[0]) == campaign_id)
            )
    return {name: count for name, count in counts.items() if count}


def ended(store: Store, trials: int = 2) -> str:
    return Recorder(store, trials=trials).run(trials).id


def test_every_row_of_a_campaign_is_deleted_and_no_other(store: Store) -> None:
    campaign_id, other = ended(store), ended(store)
    export = store.service.request_export(export_request(campaign_id))
    claimed = store.runner.export_queue.claim("s-1")
    assert claimed is not None
    store.runner.complete_export(export.id, claimed.attempts, 10, "0" * 64)
    for owner in ("s-1", "s-2"):  # each claims another campaign
        assert store.runner.sinks.claim_sink("tensorboard", "0" * 64, owner) is not None
    before = rows_of(store, other)
    tables = {"campaigns", "trials", "attempts", "events", "controller_states", "sink_cursors"}
    assert rows_of(store, campaign_id).keys() >= tables
    deletion = store.service.delete_campaign(campaign_id, has_none)
    assert (deletion.campaign_id, deletion.exports) == (campaign_id, (export.id,))
    assert rows_of(store, campaign_id) == {"campaign_deletions": 1}
    assert rows_of(store, other) == before
    with pytest.raises(NotFoundError):
        store.reads.get_campaign(campaign_id)
    with pytest.raises(NotFoundError):
        store.service.delete_campaign(campaign_id, has_none)


def test_a_deletion_is_unfinished_until_its_files_are_removed(store: Store) -> None:
    campaign_id = ended(store)
    deletion = store.service.delete_campaign(campaign_id, has_none)
    assert store.service.unfinished_deletions() == (deletion,)
    store.service.finish_deletion(campaign_id)
    assert store.service.unfinished_deletions() == ()


def in_state(store: Store, state: str) -> str:
    """The id of a campaign in a state."""
    if state == "draft":
        return store.service.create_campaign(synthetic_spec(), draft=True).id
    if state == "completed":
        return ended(store)
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    if state == "pending":
        return campaign_id
    lease = store.runner.claim(campaign_id, "runner", 1e6)
    moves: dict[str, Callable[[], object]] = {
        "running": lambda: None,
        "pausing": lambda: store.service.request_pause(campaign_id),
        "paused": lambda: (store.service.request_pause(campaign_id), store.runner.pause_campaign(lease)),
        "stopping": lambda: store.service.request_stop(campaign_id),
        "stopped": lambda: store.runner.finish_campaign(lease, "stopped"),
        "failed": lambda: store.runner.finish_campaign(lease, "failed", "it broke"),
    }
    moves[state]()
    return campaign_id


@pytest.mark.parametrize("state", CAMPAIGN_STATES)
def test_only_drafts_and_campaigns_that_have_ended_are_deleted(store: Store, state: str) -> None:
    campaign_id = in_state(store, state)
    if state in DELETABLE_CAMPAIGN_STATES:
        store.service.delete_campaign(campaign_id, has_none)
        assert store.reads.list_campaigns().items == ()
        return
    with pytest.raises(ConflictError, match=f"is {state} and cannot be deleted; only one that is draft, stopped"):
        store.service.delete_campaign(campaign_id, has_none)
    assert store.reads.get_campaign(campaign_id).state == state


def test_a_campaign_whose_export_is_made_is_not_deleted(store: Store) -> None:
    campaign_id = ended(store)
    export = store.service.request_export(export_request(campaign_id))
    with pytest.raises(ConflictError, match=f"export {export.id} is being made"):
        store.service.delete_campaign(campaign_id, has_none)


def test_trainings_stay_and_name_the_campaign_no_longer(store: Store) -> None:
    campaign_id = ended(store)
    fresh = store.service.create_training(training_request(campaign_id=campaign_id, trial=1))
    request = training_request(campaign_id=campaign_id, trial=1, start="finals", start_model="trial-1-seed-2")
    started = store.service.create_training(request)
    with pytest.raises(ConflictError, match=f"training {started.id} has not read the weights that it starts from"):
        store.service.delete_campaign(campaign_id, has_none)
    store.service.delete_campaign(campaign_id, lambda training_id: training_id == started.id)
    for training in (fresh, started):
        found = store.reads.get_training(training.id)
        assert (found.campaign_id, found.trial, found.state) == (None, None, "queued")
