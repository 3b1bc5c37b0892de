"""A campaign is found by its id, its name or the beginning of its id; what is ambiguous lists the candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder

SPECIFICATION = "name: {}\nproxy_task: {{profile: synthetic}}\n"


def test_a_campaign_is_found_by_its_name_and_by_the_beginning_of_its_id(effspine: CommandLine, served: Store) -> None:
    first, other = Recorder(served, name="first look").run(1), Recorder(served, name="other")
    for text in ("first look", first.id, first.id[:17]):
        assert effspine("campaign", "show", text, "--json").document["id"] == first.id, text
    shared = first.id[:4]
    assert other.id.startswith(shared)
    refused = effspine("campaign", "show", shared)
    assert refused.status == 2
    assert len(refused.err.splitlines()) == 1
    assert f"2 ids begin with '{shared}'; give the id of one: {other.id} (other, " in refused.err
    assert first.id in refused.err


def test_a_name_of_several_campaigns_lists_their_ids(effspine: CommandLine, served: Store) -> None:
    ids = [Recorder(served, name="twice").id for _ in range(12)]
    refused = effspine("campaign", "stop", "twice")
    assert refused.status == 2
    assert "12 campaigns are called 'twice'; give the id of one: " in refused.err
    assert sum(each in refused.err for each in ids) == 10
    assert "and 2 more" in refused.err
    assert {each.state for each in served.reads.list_campaigns().items} == {"pending"}


@pytest.mark.parametrize("name", ["a/b", "what? now", "größe", "x" * 100])
def test_any_name_is_found(effspine: CommandLine, served: Store, name: str) -> None:
    recorder = Recorder(served, name=name)
    assert effspine("campaign", "show", name, "--json").document["id"] == recorder.id


def test_commands_that_change_and_read_take_a_name(effspine: CommandLine, served: Store, tmp_path: Path) -> None:
    recorder = Recorder(served, name="mine", trials=2).run(2)
    for command in ("trials", "best", "watch", "logs"):
        assert effspine("campaign", command, "mine").status == 0, command
    verified = effspine("campaign", "verify", "mine", "--json")
    assert verified.document["trials_finished"] == 2
    assert effspine("campaign", "continue", "mine", "--trials", "3", "--json").document["id"] == recorder.id
    assert effspine("training", "list", "--campaign", "mine", "--json").document == []
    reported = effspine("campaign", "report", "mine", "--out", str(tmp_path / "report"), "--json")
    assert reported.document["campaign"] == recorder.id
    assert effspine("campaign", "sync", "mine", "--tensorboard", str(tmp_path / "files")).status == 0
    webhook = effspine("webhooks", "add", "http://127.0.0.1:9/", "--campaign", "mine", "--json").document
    assert webhook["campaign_id"] == recorder.id


def test_an_archived_campaign_is_found_and_listed_on_request(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, name="old", trials=2).run(2)
    assert effspine("campaign", "edit", "old", "--archive", "--json").document["archived"] is True
    assert effspine("campaign", "list", "--json").document == []
    assert "all campaigns are archived; --archived lists them" in effspine("campaign", "list").err
    assert [each["id"] for each in effspine("campaign", "list", "--archived", "--json").document] == [recorder.id]
    assert effspine("campaign", "show", "old", "--json").document["id"] == recorder.id
    assert effspine("campaign", "verify", "old").status == 0
    created = effspine("campaign", "create", "-f", "-", stdin=SPECIFICATION.format("old"))
    assert f"others of this name: {recorder.id}" in created.err


def test_an_empty_list_says_why(effspine: CommandLine, served: Store) -> None:
    def note(*options: str) -> str:
        return effspine("campaign", "list", *options).err.strip()

    for options in (), ("--archived",), ("--state", "failed"):
        assert "there is no campaign at http" in note(*options)
    Recorder(served, name="old", trials=2).run(2)
    effspine("campaign", "edit", "old", "--archive")
    matching = "all campaigns that match --state completed are archived; --archived lists them"
    assert note("--state", "completed").endswith(matching)
    for more in (), ("--archived",):
        assert note("--state", "failed", *more).endswith("no campaign matches --state failed")


def test_an_unknown_one_is_named(effspine: CommandLine, served: Store) -> None:
    refused = effspine("campaign", "show", "nowhere")
    assert (refused.status, refused.err) == (
        2,
        "error: there is no campaign 'nowhere': no id, no name and no id that begins so\n",
    )


def test_a_name_that_is_taken_warns_with_the_others(effspine: CommandLine, served: Store) -> None:
    first = Recorder(served, name="taken")
    created = effspine("campaign", "create", "-f", "-", stdin=SPECIFICATION.format("' taken '"))
    assert created.status == 0
    assert f"warning: the name 'taken' was taken, so commands need the id; others of this name: {first.id}" in (
        created.err
    )
    assert "warning" not in effspine("campaign", "create", "-f", "-", stdin=SPECIFICATION.format("free")).err
