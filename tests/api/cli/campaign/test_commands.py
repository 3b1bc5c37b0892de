"""`effspine campaign` against a service on a local port."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder

YAML = "name: first look\ntrials: 4\nproxy_task:\n  profile: synthetic\n"


@pytest.fixture
def recorder(served: Store) -> Recorder:
    """A completed campaign of the service."""
    return Recorder(served, trials=4).run(4)


def test_a_campaign_is_created_from_yaml_json_and_standard_input(
    effspine: CommandLine, served: Store, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(YAML)
    (tmp_path / "a.json").write_text(json.dumps({"name": "b", "proxy_task": {"profile": "synthetic"}}))
    created = effspine("campaign", "create", "-f", str(tmp_path / "a.yaml"), "--json")
    assert created.status == 0
    assert created.document["state"] == "pending"
    assert effspine("campaign", "create", "-f", str(tmp_path / "a.json"), "--json").document["spec"]["trials"] == 12
    created = effspine("campaign", "create", "-f", "-", stdin=YAML)
    assert created.out.startswith("campaign ")
    assert len(served.reads.list_campaigns().items) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "- is neither YAML nor JSON at line 1, column 8: expected the node content"),
        ('name: "a\n b: c\n', "neither YAML nor JSON at line 3, column 1: found unexpected end of stream"),
        ("name: a\0b", "neither YAML nor JSON"),
        ("name: x\ntrials: .nan\n", "values that JSON does not have"),
        ("- a\n- b\n", "one mapping"),
        ("name: x\nproxy_task: {profile: huge}\n", "proxy_task.profile"),
        ("name: x\nproxy_task: {profile: laptop}\ndataset: nowhere\n", "nowhere"),
    ],
)
def test_an_invalid_file_is_one_line(effspine: CommandLine, served: Store, text: str, message: str) -> None:
    result = effspine("campaign", "create", "-f", "-", stdin=text)
    assert result.status == 2
    assert len(result.err.splitlines()) == 1
    assert message in result.err
    assert served.reads.list_campaigns().items == ()


def test_a_date_is_read_as_text(effspine: CommandLine, served: Store) -> None:
    created = effspine("campaign", "create", "-f", "-", "--json", stdin=YAML.replace("first look", "2026-01-31"))
    assert created.document["name"] == "2026-01-31"


def test_a_missing_file_and_a_missing_service_are_one_line(effspine: CommandLine, tmp_path: Path) -> None:
    missing = effspine("campaign", "create", "-f", str(tmp_path / "none.yaml"))
    assert missing.status == 2
    assert "none.yaml" in missing.err
    alone = effspine("campaign", "list")
    assert alone.status == 2
    assert "effspine serve" in alone.err
    assert len(alone.err.splitlines()) == 1


def test_campaigns_and_trials_are_listed(effspine: CommandLine, recorder: Recorder) -> None:
    assert [item["id"] for item in effspine("campaign", "list", "--json").document] == [recorder.id]
    assert effspine("campaign", "show", recorder.id, "--json").document["state"] == "completed"
    rewards = [
        trial["reward"]
        for trial in effspine("campaign", "trials", recorder.id, "--order-by", "-reward", "--json").document
    ]
    assert len(rewards) == 4
    assert rewards == sorted(rewards, reverse=True)
    best = effspine("campaign", "best", recorder.id, "-k", "2", "--json").document
    assert [item["reward"] for item in best["items"]] == rewards[:2]
    assert best["baseline"]["number"] == 0
    for command in ("list",), ("show", recorder.id), ("trials", recorder.id), ("best", recorder.id):
        shown = effspine("campaign", *command)
        assert shown.status == 0
        assert f"{rewards[0]:.3f}" in shown.out


def test_watching_a_finished_campaign_ends(effspine: CommandLine, recorder: Recorder) -> None:
    *trials, last = effspine("campaign", "watch", recorder.id).out.splitlines()
    assert [line.split()[:2] for line in trials] == [["trial", str(number)] for number in range(4)]
    assert all(line.endswith("  1.5 s") for line in trials)
    assert last.startswith("completed   4/4 trials   best AP 0.")
    assert effspine("campaign", "watch", recorder.id, "--json").document["state"] == "completed"


def test_watching_a_campaign_that_failed_is_an_error(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served).run(1)
    recorder.campaign.end("failed", "the data set is missing")
    result = effspine("campaign", "watch", recorder.id)
    assert result.status != 0
    assert "the data set is missing" in result.err


def test_a_campaign_is_stopped(effspine: CommandLine, served: Store) -> None:
    assert effspine("campaign", "stop", Recorder(served).id, "--json").document["state"] == "stopped"


def test_a_campaign_is_paused_and_resumed(effspine: CommandLine, served: Store) -> None:
    campaign_id = Recorder(served).id
    paused = effspine("campaign", "pause", campaign_id, "--json").document
    assert (paused["state"], paused["pause_mode"]) == ("paused", "drain")
    assert effspine("campaign", "resume", campaign_id, "--json").document["state"] == "pending"
    assert effspine("campaign", "pause", campaign_id, "--abort", "--json").document["pause_mode"] == "abort"
    assert effspine("campaign", "stop", campaign_id, "--json").document["state"] == "stopped"
    refused = effspine("campaign", "resume", campaign_id)
    assert refused.status == 2
    assert "is stopped and cannot be resumed" in refused.err


def test_the_stop_condition_of_a_campaign_is_shown(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, stop={"target_reward": 0.01})
    recorder.finish(recorder.begin())
    assert "target_reward" in effspine("campaign", "show", recorder.id).out


def test_the_best_and_any_trial_are_exported(effspine: CommandLine, recorder: Recorder, tmp_path: Path) -> None:
    out = tmp_path / "new" / "directory"
    command = ("campaign", "export", recorder.id, "--format", "json", "--out", str(out))
    path = Path(effspine(*command).out.strip())
    assert path.parent == out
    assert json.loads(path.read_text())["provenance"]["trial"] == recorder.record.best_trial
    other = effspine(*command, "--trial", "1", "--json").document
    assert json.loads(Path(other["path"]).read_text())["provenance"]["trial"] == 1
    assert sorted(file.name for file in out.iterdir()) == sorted({path.name, Path(other["path"]).name})


def test_an_export_that_cannot_be_written_names_the_path(
    effspine: CommandLine, recorder: Recorder, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = effspine("campaign", "export", recorder.id, "--out", str(tmp_path / "file" / "below"))
    assert result.status == 2
    assert str(tmp_path / "file") in result.err


def test_a_campaign_is_verified(effspine: CommandLine, recorder: Recorder) -> None:
    verification = effspine("campaign", "verify", recorder.id, "--json").document
    assert verification["exact"] is True
    assert verification["trials_finished"] == 4
    assert "exact" in effspine("campaign", "verify", recorder.id).out


def test_an_unknown_campaign_is_named(effspine: CommandLine, served: Store) -> None:
    for command in "show", "watch", "stop", "pause", "resume", "trials", "best", "verify":
        result = effspine("campaign", command, "c_none")
        assert result.status == 2
        assert "c_none" in result.err


def test_a_draft_is_estimated_started_and_changed(effspine: CommandLine, served: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML.replace("synthetic", "synthetic\n  seconds: 30"))
    created = effspine("campaign", "estimate", "-f", str(tmp_path / "a.yaml"))
    assert created.out.splitlines()[0] == "4 trials, 1 in parallel: about 2 min 00 s, 0.03 device hours"
    created = effspine("campaign", "create", "-f", str(tmp_path / "a.yaml"), "--draft", "--json").document
    assert created["state"] == "draft"
    assert effspine("campaign", "start", created["id"], "--json").document["state"] == "pending"
    changed = effspine("campaign", "update", created["id"], "--trials", "9", "--device-hours", "2", "--json").document
    assert (changed["spec"]["trials"], changed["spec"]["stop"]["device_hours"]) == (9, 2)
    unchanged = effspine("campaign", "update", created["id"])
    assert unchanged.status == 2
    assert "nothing to change; give --trials" in unchanged.err
    refused = effspine("campaign", "update", created["id"], "--parallelism", "0")
    assert refused.status != 0
    assert "parallelism" in refused.err
