"""The files of deleted campaigns are removed, also after a crash in between."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nas_controller.execution.kept_models import model_directory
from nas_controller.execution.trial_checkpoints import campaign_directory
from nas_controller.exports.files import attempt_directory
from nas_controller.store import Store, sqlite_url
from nas_controller.supervision import campaign_deletion
from nas_controller.supervision import supervisor as supervisor_module
from nas_controller.supervision.campaign_deletion import delete_campaign, finish_deletions
from nas_controller.supervision.campaign_logs import log_path
from nas_controller.supervision.supervisor import Supervisor
from tests.support.exports import export_request
from tests.support.recorder import Recorder
from tests.support.supervised import supervising
from tests.support.synthetic_campaigns import synthetic_spec
from tests.support.waiting import wait_for


def with_files(store: Store, data_dir: Path, key: str) -> tuple[str, list[Path]]:
    """A completed campaign with an export, and its files."""
    campaign_id = Recorder(store, trials=2).run(2).id
    export = store.service.request_export(export_request(campaign_id, key))
    claimed = store.runner.export_queue.claim("s-1")
    assert claimed is not None
    store.runner.complete_export(export.id, claimed.attempts, 10, "0" * 64)
    files = [
        campaign_directory(data_dir, campaign_id) / "16-24.checkpoint",
        model_directory(data_dir, campaign_id, "trial-1-seed-2") / "model.safetensors",
        attempt_directory(data_dir, export.id, claimed.attempts) / "export.zip",
        log_path(data_dir, campaign_id),
        log_path(data_dir, export.id),
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
    return campaign_id, files


def test_a_campaign_is_deleted_with_its_files_and_no_other(store: Store, tmp_path: Path) -> None:
    campaign_id, files = with_files(store, tmp_path, "1")
    _, others = with_files(store, tmp_path, "2")
    shared = tmp_path / "cache" / "weights"
    shared.parent.mkdir()
    shared.write_bytes(b"of every campaign")
    delete_campaign(store, tmp_path, campaign_id)
    assert [file for file in files if file.exists()] == []
    assert [directory for directory in tmp_path.glob("*/*") if directory.name == campaign_id] == []
    assert all(file.exists() for file in (*others, shared))
    assert store.service.unfinished_deletions() == ()


def test_a_deletion_that_was_cut_off_is_finished_later(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id, files = with_files(store, tmp_path, "1")
    with monkeypatch.context() as patched:
        patched.setattr(campaign_deletion, "_finish", lambda *_: None)  # the process dies after the commit
        delete_campaign(store, tmp_path, campaign_id)
    assert all(file.exists() for file in files)
    finish_deletions(store, tmp_path)
    assert [file for file in files if file.exists()] == []
    assert store.service.unfinished_deletions() == ()


def test_files_that_cannot_be_removed_are_tried_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    campaign_id, files = with_files(store, tmp_path, "1")

    def refuse(path: object) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(campaign_deletion.shutil, "rmtree", refuse)
        delete_campaign(store, tmp_path, campaign_id)
    assert "cannot be removed" in caplog.text
    assert len(store.service.unfinished_deletions()) == 1
    finish_deletions(store, tmp_path)
    assert [file for file in files if file.exists()] == []


def test_a_supervisor_goes_on_when_a_campaign_is_deleted_before_its_runner_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_url(tmp_path / "effspine.db")
    monkeypatch.setattr(supervisor_module, "POLL_SECONDS", 0.02)
    supervisor = Supervisor(url, tmp_path, runner_command=(sys.executable, "-c", "import time; time.sleep(60)"))
    with closing(Store.open(url)) as store, supervising(supervisor):
        first = store.service.create_campaign(synthetic_spec()).id
        wait_for(lambda: first in supervisor._runners, "its runner")
        store.service.request_stop(first)
        delete_campaign(store, tmp_path, first)
        second = store.service.create_campaign(synthetic_spec()).id
        wait_for(lambda: second in supervisor._runners, "the runner of another campaign")
        os.kill(supervisor._runners[first].pid, signal.SIGKILL)
        wait_for(lambda: first not in supervisor._runners, "the end of the runner")
        assert second in supervisor._runners
