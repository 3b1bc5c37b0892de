"""Notes, tags and the archive: changed in every state, apart from the search."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from nas_controller.campaigns.replay import verify
from nas_controller.store import ConflictError, Store
from tests.support.begun_trials import STATE, begin, claimed
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.trials import kinds


def test_annotations_are_normalised_and_recorded_with_their_author(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    patch = {"notes": "night shots\nonly", "tags": [" Cars ", "night", "CARS", "größe"], "archived": True}
    changed = store.service.update_campaign(campaign_id, patch, by="ops")
    assert (changed.notes, changed.tags, changed.archived) == ("night shots\nonly", ("cars", "night", "größe"), True)
    assert store.reads.get_campaign(campaign_id) == changed
    event = store.reads.events_after(campaign_id)[-1]
    assert (event.kind, event.data["by"]) == ("campaign.annotated", "ops")
    assert event.data["changes"] == {"notes": "night shots\nonly", "tags": ["cars", "night", "größe"], "archived": True}
    store.service.update_campaign(campaign_id, {"tags": ["cars", "night", "größe"], "archived": True})
    assert len(kinds(store, campaign_id)) == 2
    cleared = store.service.update_campaign(campaign_id, {"notes": None, "tags": None})
    assert (cleared.notes, cleared.tags, cleared.archived) == ("", (), True)


@pytest.mark.parametrize(
    ("patch", "field", "words"),
    [
        ({"tags": ["two words"]}, "tags", "'two words' is no tag"),
        ({"tags": ["x" * 33]}, "tags", "has 33 characters; a tag has at most 32"),
        ({"tags": [f"tag{number}" for number in range(11)]}, "tags", "11 tags; a campaign has at most 10"),
        ({"tags": "cars"}, "tags", "valid tuple"),
        ({"notes": "x" * 10_001}, "notes", "at most 10000 characters"),
        ({"notes": "a\0"}, "notes", "character 2 is NUL"),
        ({"archived": "yes"}, "archived", "valid boolean"),
    ],
)
def test_an_invalid_annotation_names_what_is_wrong_and_changes_nothing(
    store: Store, patch: dict[str, Any], field: str, words: str
) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    with pytest.raises(ValidationError) as caught:
        store.service.update_campaign(campaign_id, {"trials": 20, **patch})
    assert caught.value.errors()[0]["loc"][0] == field
    assert words in caught.value.errors()[0]["msg"]
    assert store.reads.get_campaign(campaign_id).spec == synthetic_spec()


def test_a_campaign_that_has_ended_is_annotated_without_going_on_and_is_still_verified(store: Store) -> None:
    lease = claimed(store)
    begin(store, lease, 0)
    store.runner.accept_reward(lease, 0, 1, 0.25, {}, STATE)
    store.runner.finish_campaign(lease, "stopped")
    before = store.reads.get_campaign(lease.campaign_id)
    after = store.service.update_campaign(lease.campaign_id, {"notes": "too short"})
    assert (after.state, after.spec, after.last_event) == ("stopped", before.spec, before.last_event + 1)
    with pytest.raises(ConflictError, match="is stopped and cannot be changed"):
        store.service.update_campaign(lease.campaign_id, {"notes": "no", "parallelism": 5})
    assert store.reads.get_campaign(lease.campaign_id).notes == "too short"


def test_annotations_and_a_change_of_the_search_are_one_change(store: Store) -> None:
    campaign_id = store.service.create_campaign(synthetic_spec()).id
    changed = store.service.update_campaign(campaign_id, {"trials": 50, "tags": ["long"]})
    assert (changed.spec.trials, changed.tags) == (50, ("long",))
    assert kinds(store, campaign_id) == ["campaign.created", "campaign.updated", "campaign.annotated"]
    verification = verify(store, campaign_id)
    assert any("campaigns.notes" in part.what for part in verification.not_checked)
