"""`effspine campaign` against a service on a local port."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nas_controller.search.outcomes import Failed, SharedWeights
from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.data_identities import data_identity
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
        ("name: [", "- is neither YAML nor JSON: line 1, column 8: expected the node content"),
        ('name: "a\n b: c\n', "neither YAML nor JSON: line 3, column 1: found unexpected end of stream"),
        ("name: a\0b", "neither YAML nor JSON"),
        ("name: x\ntrials: .nan\n", "line 2, column 9: '.nan' is no value that JSON has"),
        ("name: x\nname: y\n", "line 2, column 1: `name` is given twice"),
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
    *trials, search, last = effspine("campaign", "watch", recorder.id).out.splitlines()
    assert search == "4 distinct architectures"
    assert [line.split()[:2] for line in trials] == [["trial", str(number)] for number in range(4)]
    assert all(line.endswith("  1.5 s") for line in trials)
    assert last.startswith("completed   4/4 trials   best AP 0.")
    assert effspine("campaign", "watch", recorder.id, "--json").document["state"] == "completed"


def test_a_trial_that_no_worker_has_begun_is_queued(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=2).run(1)
    recorder.campaign.next_trial()
    rows = [line.split()[:2] for line in effspine("campaign", "trials", recorder.id).out.splitlines()]
    assert ["0", "completed"] in rows
    assert ["1", "queued"] in rows


def test_watching_tells_how_the_shared_weights_were_trained(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=1)
    lease = recorder.campaign._lease
    served.runner.start_shared_training(lease, 6000, 1.0)
    served.runner.fail_shared_training(lease, "first line\nthe worker died", "worker-killed")
    served.runner.start_shared_training(lease, 6000, 1.0)
    served.runner.complete_shared_training(lease, SharedWeights("1" * 64, "2" * 64))
    recorder.run(1)
    lines = effspine("campaign", "watch", recorder.id).out.splitlines()
    assert lines[:4] == [
        "training the shared weights: 6,000 steps",
        "the training of the shared weights failed: the worker died",
        "training the shared weights: 6,000 steps",
        "the shared weights are trained",
    ]
    assert "weights      shared, 6,000 steps in 0 s, sha256 2222" in effspine("campaign", "show", recorder.id).out


def test_watching_a_campaign_that_failed_is_an_error(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served).run(1)
    recorder.campaign.end("failed", "the data set is missing")
    result = effspine("campaign", "watch", recorder.id)
    assert result.status != 0
    assert "the data set is missing" in result.err
    assert f"`effspine campaign retry {recorder.id}`" in result.err


def test_a_campaign_that_a_stop_condition_ended_says_so(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=60, stop={"no_improvement_trials": 1})
    while recorder.record.stopped_because is None:
        recorder.finish(recorder.begin())
    assert "ended        no improvement for 1 trial\n" in effspine("campaign", "show", recorder.id).out


def test_a_failed_campaign_is_retried(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, data=data_identity()).run(1)
    recorder.campaign.complete(recorder.begin(), Failed("stop", "000.jpg is truncated", "unreadable-image"))
    shown = effspine("campaign", "show", recorder.id)
    assert "error kind   Image cannot be read" in shown.out
    assert f"data         48 training and 12 reserved images, sha256 {data_identity()['sha256']}" in shown.out
    assert f"`effspine campaign retry {recorder.id}`" in shown.err
    document = effspine("campaign", "retry", recorder.id, "--json").document
    assert (document["state"], document["error"], document["trials_finished"]) == ("running", None, 1)
    again = effspine("campaign", "retry", recorder.id)
    assert again.status == 2
    assert "is running and cannot be retried; only one that is failed can be" in again.err


def test_what_a_campaign_waits_for_is_shown(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served, trials=2).run(1)
    lease = recorder.campaign._lease
    served.runner.wait(lease, "data set 'cars': its directory /mnt/cars is gone", "data-away")
    assert (
        "waiting for  data set 'cars': its directory /mnt/cars is gone" in effspine("campaign", "show", recorder.id).out
    )
    recorder.release()
    recorder.run(2)
    lines = effspine("campaign", "watch", recorder.id).out.splitlines()
    assert [line.split()[0] for line in lines] == ["trial", "waiting:", "trial", "2", "completed"]


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
    assert "target AP reached" in effspine("campaign", "show", recorder.id).out


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
    assert {"campaigns.spec", "trials.madds", "attempts.reward", "events.kind"} <= set(verification["checked"])
    assert all(part["what"] and part["why"] for part in verification["not_checked"])
    shown = effspine("campaign", "verify", recorder.id).out
    assert "exact" in shown
    assert f"checked: {len(verification['checked'])} columns" in shown
    for part in verification["not_checked"]:
        assert f"  {part['what']}: {part['why']}" in shown


def test_an_edited_record_is_one_line_and_status_2(effspine: CommandLine, served: Store, recorder: Recorder) -> None:
    with served._database.writing() as session:
        session.connection().exec_driver_sql("UPDATE trials SET madds = madds + 1 WHERE number = 1")
    done = effspine("campaign", "verify", recorder.id, "--json")
    assert (done.status, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert "trial 1: the stored madds is" in done.err


def test_an_unknown_campaign_is_named(effspine: CommandLine, served: Store) -> None:
    for command in "show", "watch", "stop", "pause", "resume", "trials", "best", "verify":
        result = effspine("campaign", command, "c_none")
        assert result.status == 2
        assert "c_none" in result.err


def test_a_draft_is_estimated_started_and_changed(effspine: CommandLine, served: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(YAML.replace("synthetic", "synthetic\n  seconds: 30"))
    created = effspine("campaign", "estimate", "-f", str(tmp_path / "a.yaml"))
    assert created.out.splitlines()[0] == "4 trials, 1 in parallel: about 2 min 00 s, 2 min 00 s of device time"
    created = effspine("campaign", "create", "-f", str(tmp_path / "a.yaml"), "--draft", "--json").document
    assert created["state"] == "draft"
    assert effspine("campaign", "start", created["id"], "--json").document["state"] == "pending"
    changed = effspine("campaign", "update", created["id"], "--trials", "9", "--device-hours", "2", "--json").document
    assert (changed["spec"]["trials"], changed["spec"]["stop"]["device_hours"]) == (9, 2)
    for stop in ("null", "5", "[1]"):
        mixed = effspine("campaign", "update", created["id"], "-f", "-", "--device-hours", "2", stdin=f"stop: {stop}\n")
        assert (mixed.status, mixed.err) == (
            2,
            "error: -: with --device-hours, `stop` must be a mapping or left out\n",
        )
    unchanged = effspine("campaign", "update", created["id"])
    assert unchanged.status == 2
    assert "nothing to change; give --trials" in unchanged.err
    refused = effspine("campaign", "update", created["id"], "--parallelism", "0")
    assert refused.status != 0
    assert "parallelism" in refused.err
