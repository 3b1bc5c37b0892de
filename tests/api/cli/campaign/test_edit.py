"""`effspine campaign edit`."""

from __future__ import annotations

import pytest

from api.client import Client, ServiceRefusedError
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder


def test_notes_and_tags_are_changed_and_the_campaign_is_archived(effspine: CommandLine, served: Store) -> None:
    campaign_id = Recorder(served, trials=2).run(2).id
    edited = effspine("campaign", "edit", campaign_id, "--notes", "one\ntwo", "--tag", "Cars", "--tag", "night")
    assert edited.status == 0
    assert "tags         cars, night" in edited.out
    assert "notes        one\n             two" in edited.out
    edited = effspine("campaign", "edit", campaign_id, "--untag", "CARS", "--tag", "x", "--archive", "--json")
    assert (edited.document["tags"], edited.document["archived"]) == (["night", "x"], True)
    assert edited.document["notes"] == "one\ntwo"
    assert effspine("campaign", "edit", campaign_id, "--unarchive", "--notes", "", "--json").document["notes"] == ""
    assert not served.reads.get_campaign(campaign_id).archived


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "nothing to change; give --notes, --tag, --untag, --archive or --unarchive"),
        (("--untag", "cars"), "the campaign has no tag 'cars'; it has none"),
        (("--tag", "two words"), "'two words' is no tag"),
    ],
)
def test_a_wrong_edit_is_one_line(effspine: CommandLine, served: Store, options: tuple[str, ...], message: str) -> None:
    result = effspine("campaign", "edit", Recorder(served).id, *options)
    assert result.status == 2
    assert len(result.err.splitlines()) == 1
    assert message in result.err


def test_the_client_finds_archives_and_deletes(effspine: CommandLine, served: Store) -> None:
    first, second = Recorder(served, trials=2, name="old").run(2).id, Recorder(served, name="new").id
    with Client(effspine.environment["EFFSPINE_URL"]) as client:
        client.annotate_campaign(first, tags=["cars"], archived=True)
        assert [each.id for each in client.campaigns()] == [second]
        assert [each.id for each in client.campaigns(archived="any", order_by="name")] == [second, first]
        assert [each.summary.last_event_kind for each in client.campaigns(archived="true", tag="cars")] == [
            "campaign.annotated"
        ]
        with pytest.raises(ServiceRefusedError, match="is pending and cannot be deleted"):
            client.delete_campaign(second)
        client.delete_campaign(first)
        assert [each.id for each in client.campaigns(archived="any", text="OLD")] == []


def test_a_tag_that_is_too_long_is_told_in_one_sentence(effspine: CommandLine, served: Store) -> None:
    refused = effspine("campaign", "edit", Recorder(served).id, "--tag", "x" * 33)
    assert (refused.status, refused.err) == (
        2,
        f"error: tags.0: '{'x' * 33}' has 33 characters; a tag has at most 32\n",
    )
