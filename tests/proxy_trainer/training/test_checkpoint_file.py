"""Checkpoint files: round trip, damaged files, files of other trials, and partial files."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proxy_trainer.engine.engine import EngineState
from proxy_trainer.training.checkpoint import Checkpoint, CheckpointFile, IntermediateScore, check_overwritable
from search_space.errors import InvalidValueError
from tests.support.engine_tasks import assert_same

IDENTITY: dict[str, Any] = {"seed": 1, "task": {"steps": 6, "flip": True}, "architecture": {"widths": (8, 16)}}


SCORED = (IntermediateScore(1, 2.5, 3.25, 0.1 + 0.2), IntermediateScore(2, 1.5, 6.5, 0.0))


def _state() -> EngineState:
    return EngineState._make([*(np.arange(size, dtype=np.float32) for size in (5, 5, 0, 5, 2)), 3])


def _saved(folder: Path) -> CheckpointFile:
    file = CheckpointFile(folder / "trial.checkpoint", IDENTITY)
    file.save(Checkpoint(_state(), 0.1 + 0.2, 12.5, 0.25, SCORED))
    return file


def test_a_checkpoint_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    found = _saved(tmp_path).load()
    assert found is not None
    assert_same(found.state, _state())
    assert (found.loss, found.train_seconds, found.evaluate_seconds) == (0.1 + 0.2, 12.5, 0.25)
    assert found.scores == SCORED


def test_the_file_has_the_documented_format(tmp_path: Path) -> None:
    _saved(tmp_path)
    line, _, body = (tmp_path / "trial.checkpoint").read_bytes().partition(b"\n")
    assert line.decode() == f"effspine-checkpoint 2 {hashlib.sha256(body).hexdigest()}"
    with np.load(io.BytesIO(body), allow_pickle=False) as archive:
        assert set(archive) == {*EngineState._fields, "loss", "train_seconds", "evaluate_seconds", "scored", "identity"}
        assert json.loads(str(archive["identity"])) == {**IDENTITY, "architecture": {"widths": [8, 16]}}


def _truncated(content: bytes) -> bytes:
    return content[:-100]


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _signed(body: bytes) -> bytes:
    return b"effspine-checkpoint 2 %s\n%s" % (hashlib.sha256(body).hexdigest().encode(), body)


def _pickled(content: bytes) -> bytes:
    """A valid checksum over an archive with a pickled object."""
    archive = io.BytesIO()
    np.savez(archive, identity=np.array([{}], dtype=object), allow_pickle=True)
    return _signed(archive.getvalue())


def _doubled(content: bytes) -> bytes:
    """A valid checksum over vectors in double precision."""
    with np.load(io.BytesIO(content.partition(b"\n")[2])) as archive:
        arrays = {**archive, "weights": archive["weights"].astype(np.float64)}
    body = io.BytesIO()
    np.savez(body, **arrays)
    return _signed(body.getvalue())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_truncated, "does not match its checksum"),
        (_flipped, "does not match its checksum"),
        (lambda content: b"", "it is not a checkpoint"),
        (lambda content: content[:40], "does not match its checksum"),
        (lambda content: content.replace(b" 2 ", b" 1 ", 1), "its format has another version"),
        (lambda content: _signed(b"no archive"), "it cannot be read"),
        (_pickled, "it cannot be read"),
        (_doubled, "its vectors are not flat or do not have single precision"),
    ],
    ids=["truncated", "flipped bit", "empty", "cut in the first line", "version", "no archive", "pickle", "precision"],
)
def test_a_damaged_file_is_refused(change: Any, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, path = _saved(tmp_path), tmp_path / "trial.checkpoint"
    path.write_bytes(change(path.read_bytes()))
    assert file.load() is None
    assert f"the checkpoint {path} is not used: " in caplog.text
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({**IDENTITY, "seed": 2}, "its seed is 1, and that of this trial 2"),
        ({**IDENTITY, "task": {"steps": 7, "flip": True}}, "its task.steps is 6, and that of this trial 7"),
        ({**IDENTITY, "task": {"steps": 6}}, "its task.flip is True, and that of this trial None"),
        ({**IDENTITY, "data": "ab"}, "its data is None, and that of this trial 'ab'"),
    ],
)
def test_a_file_of_another_trial_is_refused(
    other: dict[str, Any], reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _saved(tmp_path)
    assert CheckpointFile(tmp_path / "trial.checkpoint", other).load() is None
    assert reason in caplog.text


def test_a_missing_file_is_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = CheckpointFile(tmp_path / "absent" / "trial.checkpoint", IDENTITY)
    assert file.load() is None
    file.discard()
    assert not caplog.records


def test_only_partial_files_of_the_same_checkpoint_are_removed(tmp_path: Path) -> None:
    file, ours = _saved(tmp_path), tmp_path / ".trial.checkpoint.0123.partial"
    (tmp_path / ".other.checkpoint.0123.partial").write_bytes(b"half")
    ours.write_bytes(b"half")
    file.remove_partial_files()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.checkpoint.0123.partial", "trial.checkpoint"]
    ours.write_bytes(b"half")
    file.discard()
    assert [path.name for path in tmp_path.iterdir()] == [".other.checkpoint.0123.partial"]


def test_loading_leaves_the_file_that_another_process_is_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _saved(tmp_path)
    found: list[Checkpoint | None] = []
    written = os.fsync

    def load_meanwhile(descriptor: int) -> None:
        written(descriptor)
        if not found:
            found.append(file.load())

    monkeypatch.setattr(os, "fsync", load_meanwhile)
    file.write(Checkpoint(_state(), 1.5, 12.5, 0.25, SCORED))
    again = file.load()
    assert found[0] is not None
    assert again is not None
    assert (found[0].loss, again.loss) == (0.1 + 0.2, 1.5)


def test_only_checkpoints_and_empty_files_may_be_overwritten(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / "empty").touch()
    for path in (tmp_path / "trial.checkpoint", tmp_path / "empty", tmp_path / "absent"):
        check_overwritable(path)
    (tmp_path / "photo.jpg").write_bytes(b"not ours")
    with pytest.raises(InvalidValueError, match=r"photo\.jpg is not a checkpoint and would be overwritten"):
        check_overwritable(tmp_path / "photo.jpg")
    with pytest.raises(InvalidValueError, match="it is a directory, not a regular file"):
        check_overwritable(tmp_path)


@pytest.mark.timeout(20)
def test_a_pipe_or_a_directory_in_the_place_of_the_file_is_moved_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, path = CheckpointFile(tmp_path / "trial.checkpoint", IDENTITY), tmp_path / "trial.checkpoint"
    for make, kind in ((os.mkfifo, "a named pipe"), (os.mkdir, "a directory")):
        make(path)
        assert file.load() is None
        assert f"the checkpoint {path} is not used: it cannot be read (it is {kind}, not a regular file)" in caplog.text
        _saved(tmp_path)
        assert file.load() is not None
        path.unlink()
    assert len(list(tmp_path.glob(".trial.checkpoint.*.damaged"))) == 2


@pytest.mark.timeout(20)
def test_a_pipe_or_a_device_is_not_overwritten(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (Path("/dev/null"), "a device")):
        with pytest.raises(InvalidValueError, match=f"the checkpoint {path} cannot be read: it is {kind}, not a regul"):
            check_overwritable(path)
