"""Files of exports make room for newer ones, those that were used longest ago first."""

from __future__ import annotations

import os
from pathlib import Path

from nas_controller.exports.files import export_file, make_room, mark_used
from nas_controller.store import ExportRecord, Store
from tests.support.exports import export_request
from tests.support.recorder import Recorder

BYTES = 100


def made(store: Store, data_dir: Path, campaign_id: str, key: str, used_at: float) -> ExportRecord:
    """A completed export whose file was used at a time."""
    export = store.service.request_export(export_request(campaign_id, key))
    store.runner.export_queue.claim("s-1")
    store.runner.complete_export(export.id, 1, BYTES, key * 64)
    completed = store.reads.get_export(export.id)
    path = export_file(data_dir, completed)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x" * BYTES)
    os.utime(path, (used_at, 1e9))
    return completed


def test_the_files_that_were_used_longest_ago_are_removed(store: Store, tmp_path: Path) -> None:
    campaign_id = Recorder(store).run(1).id
    exports = [made(store, tmp_path, campaign_id, str(number), 1e9 + number) for number in range(4)]
    mark_used(export_file(tmp_path, exports[0]))
    assert export_file(tmp_path, exports[0]).stat().st_mtime == 1e9
    make_room(store, tmp_path, 4 * BYTES, keep=exports[3].id)
    assert len(store.reads.completed_exports()) == 4
    make_room(store, tmp_path, 2 * BYTES, keep=exports[3].id)
    assert {each.id for each in store.reads.completed_exports()} == {exports[0].id, exports[3].id}
    assert [export_file(tmp_path, each).exists() for each in exports] == [True, False, False, True]
    assert [store.reads.get_export(each.id).state for each in exports[1:3]] == ["removed", "removed"]
    make_room(store, tmp_path, 0, keep=exports[3].id)
    assert [each.id for each in store.reads.completed_exports()] == [exports[3].id]
