"""`effspine campaign export`: waits for what a process makes, and writes a whole file or none."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from api.client import Client, ServiceRefusedError
from nas_controller.campaigns.replay import verify
from nas_controller.exports.files import export_file
from nas_controller.search.base_spec import BaseSpec
from nas_controller.store import ExportRecord, Store
from nas_controller.supervision.export_job import run
from search_space.document import load_block_specification
from search_space.errors import EffspineError
from tests.support.command_line import CommandLine
from tests.support.exports import making
from tests.support.recorder import Recorder
from tests.support.synthetic_campaigns import claimed_campaign, run_to_the_end


@pytest.fixture
def recorder(served: Store) -> Recorder:
    """A completed campaign of the service."""
    return Recorder(served, trials=3).run(3)


def test_an_export_is_waited_for_and_downloaded(
    effspine: CommandLine, served: Store, recorder: Recorder, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"

    def make(export: ExportRecord) -> None:
        run(served, data_dir, export.id, export.attempts)

    command = (
        "campaign",
        "export",
        recorder.id,
        "--format",
        "detector",
        "--trial",
        "1",
        "--out",
        str(tmp_path / "out"),
    )
    with making(served, make):
        first = effspine(*command)
    assert first.status == 0
    path = tmp_path / "out" / "first-look-trial-1-detector-initial.zip"
    assert first.out == f"{path}\n"
    assert "trial 1: Initial weights of seed 0" in first.err
    assert "no supervisor runs, which would make it" in first.err
    with zipfile.ZipFile(path) as files:
        assert {Path(name).name for name in files.namelist()} == {"README.md", "config.json", "model.safetensors"}
    again = effspine(*command, "--weights", "initial", "--json").document
    assert (again["path"], again["bytes"]) == (str(path), path.stat().st_size)
    assert (again["export"]["state"], again["export"]["attempts"]) == ("completed", 1)


def test_a_failed_export_is_an_error_with_the_end_of_the_log(
    effspine: CommandLine, served: Store, recorder: Recorder, tmp_path: Path
) -> None:
    def lose(export: ExportRecord) -> None:
        served.runner.export_queue.lose(export.id, export.attempts, "ended by signal 9", "")
        again = served.runner.export_queue.claim("s-1")
        assert again is not None
        served.runner.export_queue.lose(again.id, again.attempts, "ended by signal 9", "last words")

    with making(served, lose):
        result = effspine("campaign", "export", recorder.id, "--format", "detector", "--out", str(tmp_path / "out"))
    assert result.status == 2
    assert "its log ends with:\nlast words\nerror: the export e_" in result.err
    assert result.err.endswith(" is failed: ended by signal 9\n")
    assert not (tmp_path / "out").exists()


def test_weights_that_there_are_not_are_one_line(
    effspine: CommandLine, served: Store, recorder: Recorder, tmp_path: Path
) -> None:
    command = ("campaign", "export", recorder.id, "--out", str(tmp_path))
    missing = effspine(*command, "--format", "detector", "--weights", "finals")
    assert "has no weights 'finals'; it has initial" in missing.err
    assert "the format 'spec' has no weights" in effspine(*command, "--weights", "initial").err
    assert "there is no format 'none'" in effspine(*command, "--format", "none").err


def test_a_download_is_whole_or_nothing(served: Store, recorder: Recorder, port: int, tmp_path: Path) -> None:
    with Client(f"http://127.0.0.1:{port}") as client:
        export = client.request_export(recorder.id, "detector", 0, "initial")
        assert client.request_export(recorder.id, "detector", 0).id == export.id
        assert [each.id for each in client.exports(recorder.id, 0).exports] == [export.id]
        with pytest.raises(ServiceRefusedError, match="is queued"):
            client.download_export(export, tmp_path / "out")
        claimed = served.runner.export_queue.claim("s-1")
        assert claimed is not None
        run(served, tmp_path / "data", claimed.id, 1)
        made = client.read_export(export.id)
        name, content = client.export(recorder.id, "detector", 0)
        path = client.download_export(made, tmp_path / "out")
        assert (path.name, path.read_bytes()) == (name, content)
        export_file(tmp_path / "data", served.reads.get_export(export.id)).write_bytes(b"damaged")
        path.unlink()
        with pytest.raises(EffspineError, match="was not downloaded: its SHA-256 is"):
            client.download_export(made, tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []


def test_an_exported_specification_is_the_base_of_the_next_search(
    effspine: CommandLine, served: Store, recorder: Recorder, tmp_path: Path
) -> None:
    out = effspine("campaign", "export", recorder.id, "--trial", "2", "--out", str(tmp_path), "--json").document
    yaml = "name: next\ntrials: 2\nproxy_task: {profile: synthetic}\nsearch_space: {choices: [1, 2]}\n"
    command = ("campaign", "create", "-f", "-", "--json", "--base")
    created = effspine(*command, out["path"], stdin=yaml).document
    spec = served.reads.get_campaign(created["id"]).spec
    widths = served.reads.get_trial_record(recorder.id, 2).widths
    assert spec.search_space.build().base.widths == widths
    assert spec.search_space.choices == (1, 2)
    assert isinstance(spec.search_space.base, BaseSpec)
    source = spec.search_space.base.exported_from
    assert source is not None
    assert (source.campaign_id, source.campaign_name, source.trial) == (recorder.id, recorder.record.name, 2)
    campaign = claimed_campaign(served, created["id"])
    run_to_the_end(campaign)
    assert verify(served, created["id"]).trials_finished == 2
    assert served.reads.get_trial_record(created["id"], 0).widths == widths
    again = effspine("campaign", "export", created["id"], "--trial", "1", "--out", str(tmp_path), "--json").document
    provenance = load_block_specification(Path(again["path"])).provenance
    assert provenance["search_space"]["base"]["widths"] == list(widths)
    assert "architecture is 'none'" in effspine(*command, "none", stdin=yaml).err
