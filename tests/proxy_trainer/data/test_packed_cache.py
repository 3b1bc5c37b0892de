"""The files of the image cache: whatever happened to them, what is read is what was written, or nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proxy_trainer.data import packed_cache
from proxy_trainer.data.packed_cache import PackedImage, PackedImages, read_entry, write_entry
from proxy_trainer.errors import DataError, ImageCacheError

COUNT, PX = 5, 8


def _images() -> list[PackedImage]:
    pixels = np.random.default_rng(1).integers(0, 256, (COUNT, PX, PX, 3), np.uint8)
    return [PackedImage(each, hashlib.sha256(bytes([index])).digest()) for index, each in enumerate(pixels)]


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    path = tmp_path / "cache" / "packed"
    write_entry(path, _images(), COUNT, PX)
    return path


def _read(path: Path, count: int = COUNT, px: int = PX) -> PackedImages | None:
    return read_entry(path, count, px, threads=2, alive=lambda: None)


def test_what_is_read_is_what_was_written(entry: Path) -> None:
    found = _read(entry)
    assert found is not None
    assert not found.pixels.flags.writeable
    for index, image in enumerate(_images()):
        assert (found.pixels[index] == image.pixels).all()
        assert found.digests[index].tobytes() == image.digest
    assert [path.name for path in entry.parent.iterdir()] == ["packed"]


def test_the_manifest_is_what_the_module_says(entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (entry / "pixels.npy").read_bytes()
    digests = b"".join(image.digest for image in _images())
    assert (np.load(entry / "pixels.npy") == np.stack([image.pixels for image in _images()])).all()
    assert np.load(entry / "images.npy").tobytes() == digests
    expected = {"format": 2, "pixels_bytes": len(content), "images_sha256": hashlib.sha256(digests).hexdigest()}
    for piece_bytes in (16 * 2**20, 100, len(content)):
        monkeypatch.setattr(packed_cache, "PIECE_BYTES", piece_bytes)
        path = tmp_path / str(piece_bytes)
        write_entry(path, _images(), COUNT, PX)
        pieces = [content[start : start + piece_bytes] for start in range(0, len(content), piece_bytes)]
        whole = hashlib.sha256(b"".join(hashlib.sha256(piece).digest() for piece in pieces)).hexdigest()
        assert json.loads((path / "manifest.json").read_text()) == {**expected, "pixels_sha256": whole}
        assert _read(path) is not None


def _cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda entry: os.truncate(entry / name, size)


def _written(name: str, content: bytes) -> Callable[[Path], None]:
    def write(entry: Path) -> None:
        (entry / name).unlink()
        (entry / name).write_bytes(content)

    return write


def _flipped(name: str, place: int) -> Callable[[Path], None]:
    """One bit changed in place, with the dates that the file had."""

    def flip(entry: Path) -> None:
        status = (entry / name).stat()
        content = bytearray((entry / name).read_bytes())
        content[place] ^= 1
        (entry / name).write_bytes(content)
        os.utime(entry / name, ns=(status.st_atime_ns, status.st_mtime_ns))

    return flip


def _folder(name: str) -> Callable[[Path], None]:
    def replace(entry: Path) -> None:
        (entry / name).unlink()
        (entry / name).mkdir()

    return replace


def _pipe(name: str) -> Callable[[Path], None]:
    def replace(entry: Path) -> None:
        (entry / name).unlink()
        os.mkfifo(entry / name)

    return replace


def _other_format(entry: Path) -> None:
    manifest = json.loads((entry / "manifest.json").read_text())
    (entry / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))


def _grown(entry: Path) -> None:
    with open(entry / "pixels.npy", "ab") as file:
        file.write(b"x")


def _emptied(entry: Path) -> None:
    for path in list(entry.iterdir()):
        path.unlink()


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "damage",
    [
        _cut("pixels.npy", 0), _cut("pixels.npy", 128), _cut("pixels.npy", 128 + COUNT * PX * PX * 3 - 1), _grown,
        _flipped("pixels.npy", 3), _flipped("pixels.npy", 300), _flipped("pixels.npy", -1),
        _flipped("images.npy", 0), _flipped("images.npy", -1), _cut("images.npy", 0), _cut("images.npy", 150),
        _written("manifest.json", b""), _written("manifest.json", b"{}"), _written("manifest.json", b"[1, 2]"),
        _written("manifest.json", b'{"format": 2'), _written("manifest.json", b"\xff\xfe"),
        _written("manifest.json", b"[" * 100_000), _other_format,
        _folder("pixels.npy"), _folder("manifest.json"), _pipe("pixels.npy"), _pipe("images.npy"),
        _pipe("manifest.json"), _emptied,
        lambda entry: (entry / "pixels.npy").unlink(), lambda entry: (entry / "manifest.json").unlink(),
    ],
)  # fmt: skip
def test_a_damaged_entry_is_logged_removed_and_can_be_written_again(
    damage: Callable[[Path], None], entry: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(entry)
    assert _read(entry) is None
    (record,) = caplog.records
    assert record.getMessage().startswith(f"the image cache {entry} is damaged (")
    assert not list(entry.parent.iterdir())
    write_entry(entry, _images(), COUNT, PX)
    assert _read(entry) is not None


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ENOMEM])
@pytest.mark.parametrize("function", ["open_regular", "read_regular", "os.pread"])
def test_an_entry_that_cannot_be_read_now_is_kept(
    function: str, number: int, entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(f"proxy_trainer.data.packed_cache.{function}", fail)
        with pytest.raises(ImageCacheError, match=r"cannot read the image cache .*packed: .*; delete the directory if"):
            _read(entry)
    assert _read(entry) is not None


@pytest.mark.parametrize("error", [OSError(errno.EPIPE, "gone"), ValueError("stop"), TypeError("stop")])
def test_an_exception_that_the_caller_raises_meanwhile_is_no_damage(entry: Path, error: Exception) -> None:
    def stop() -> None:
        raise error

    with pytest.raises(type(error)) as found:
        read_entry(entry, COUNT, PX, threads=2, alive=stop)
    assert found.value is error
    assert _read(entry) is not None


@pytest.mark.parametrize(("count", "px"), [(COUNT, PX - 1), (COUNT - 1, PX), (COUNT + 1, PX)])
def test_an_entry_of_another_shape_is_refused(entry: Path, count: int, px: int) -> None:
    assert _read(entry, count, px) is None


def test_a_file_in_the_place_of_an_entry_is_removed(entry: Path) -> None:
    other = entry.with_name("other")
    other.write_bytes(b"a file")
    assert _read(other) is None
    assert not other.exists()


def test_who_reads_an_entry_that_another_finds_damaged_reads_on(entry: Path) -> None:
    found = _read(entry)
    assert found is not None
    (entry / "manifest.json").write_text("{}")
    assert _read(entry) is None
    assert (np.asarray(found.pixels) == np.stack([image.pixels for image in _images()])).all()


def test_the_first_of_two_writers_wins(entry: Path) -> None:
    inode = entry.stat().st_ino
    write_entry(entry, _images(), COUNT, PX)
    assert entry.stat().st_ino == inode
    assert [path.name for path in entry.parent.iterdir()] == ["packed"]


def test_all_that_is_renamed_is_on_the_disk_before_and_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def noted(descriptor: int) -> None:
        written.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)

    monkeypatch.setattr(os, "fsync", noted)
    write_entry(tmp_path / "cache" / "packed", _images(), COUNT, PX)
    assert written[:3] == ["pixels.npy", "images.npy", "manifest.json"]
    assert written[3].endswith(".partial")
    assert written[4:] == ["cache"]


def test_a_place_that_is_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    with pytest.raises(DataError, match=r"cannot write the image cache .*cache/packed: Not a directory"):
        write_entry(tmp_path / "cache" / "packed", _images(), COUNT, PX)
