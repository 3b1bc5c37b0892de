"""The files of the image cache, which are checked whenever they are opened.

A split at one size is a directory with three files: `pixels.npy`, uint8 [n, image_px, image_px, 3]; `images.npy`, uint8
[n, 32], the SHA-256 of each image file; and `manifest.json`, with the `format`, the `pixels_bytes` and `pixels_sha256`
of the first file and the `images_sha256` of the digests in the second. `pixels_sha256` is the SHA-256 of the SHA-256
digests of pieces of 16 MiB, so that threads can share the work.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.errors import ImageCacheError, write_error
from search_space.atomic_file import fsync_directory, move_aside, partial_path
from search_space.regular_file import open_regular, read_regular

FORMAT_VERSION = 2
"""To be raised when the files change, or the pixels of the same image."""

PIECE_BYTES = 16 * 2**20
_DIGEST_BYTES = hashlib.sha256().digest_size
_PIXELS, _IMAGES, _MANIFEST = "pixels.npy", "images.npy", "manifest.json"
_DAMAGE = (errno.ENOENT, errno.ENOTDIR, errno.EINVAL)
"""What the system reports of a file that is missing or is not a regular one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PackedImages:
    """`pixels` uint8 [n, image_px, image_px, 3], memory-mapped and read-only, and `digests` uint8 [n, 32]."""

    pixels: NDArray[np.uint8]
    digests: NDArray[np.uint8]


@dataclass(frozen=True)
class PackedImage:
    """One image to be written: its resized `pixels` uint8 [image_px, image_px, 3], and the SHA-256 of its file."""

    pixels: NDArray[np.uint8]
    digest: bytes


@dataclass(frozen=True)
class _Manifest:
    format: int
    pixels_bytes: int
    pixels_sha256: str
    images_sha256: str


class _DamagedError(Exception):
    """An entry of the cache cannot be used; the message says why."""


def read_entry(
    entry_dir: Path, images: int, image_px: int, *, threads: int, alive: Callable[[], None]
) -> PackedImages | None:
    """The images of an entry, None where there is no usable one: a damaged entry is logged and removed.

    All of its bytes are read and compared with their digest, in `threads` threads; `alive` is called meanwhile, and an
    exception that it raises ends the call. Raises ImageCacheError where the entry cannot be read, and DiskFullError or
    DataError where a damaged one cannot be removed.
    """
    if not os.path.lexists(entry_dir):
        return None
    try:
        return _checked(entry_dir, images, image_px, threads, alive)
    except _DamagedError as error:
        log.warning("the image cache %s is damaged (%s) and is built again", entry_dir, error)
    try:
        # Renamed first, because another worker may be writing a new entry, and others still read this one.
        damaged = move_aside(entry_dir)
    except OSError as error:
        raise write_error(f"the image cache {entry_dir}, where the old one is damaged", error) from error
    if damaged is not None:
        _remove(damaged)
    return None


def write_entry(entry_dir: Path, images: Iterable[PackedImage], count: int, image_px: int) -> None:
    """Writes an entry of `count` images. It is on disk when this returns, or another process was faster.

    Raises DiskFullError, or DataError, where it cannot be written; nothing is left then.
    """
    partial = partial_path(entry_dir)
    try:
        partial.mkdir(parents=True)
        _write_files(partial, images, count, image_px)
        fsync_directory(partial)
        if not os.path.lexists(entry_dir):
            partial.rename(entry_dir)
            fsync_directory(entry_dir.parent)
    except OSError as error:
        if not entry_dir.is_dir():
            raise write_error(f"the image cache {entry_dir}", error) from error
    finally:
        _remove(partial)


def _write_files(directory: Path, images: Iterable[PackedImage], count: int, image_px: int) -> None:
    """Writes to files, not to a memory map, because a full disk then raises OSError instead of SIGBUS."""
    digests = bytearray()
    with open(directory / _PIXELS, "xb") as file:
        pixels = _DigestingFile(file)
        pixels.write(_header(count, image_px, image_px, 3))
        for image in images:
            pixels.write(image.pixels.tobytes())
            digests += image.digest
        _flush(file)
    with open(directory / _IMAGES, "xb") as file:
        file.write(_header(count, _DIGEST_BYTES) + digests)
        _flush(file)
    manifest = _Manifest(
        format=FORMAT_VERSION,
        pixels_bytes=pixels.bytes_written,
        pixels_sha256=pixels.sha256(),
        images_sha256=hashlib.sha256(digests).hexdigest(),
    )
    with open(directory / _MANIFEST, "xb") as file:
        file.write(json.dumps(asdict(manifest)).encode())
        _flush(file)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class _DigestingFile:
    """Writes to a file and computes the digest of what it was given."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._piece = hashlib.sha256()
        self.bytes_written = 0

    def write(self, content: bytes) -> None:
        self._file.write(content)
        view = memoryview(content)
        while view:
            room = PIECE_BYTES - self.bytes_written % PIECE_BYTES
            part, view = view[:room], view[room:]
            self._piece.update(part)
            self.bytes_written += len(part)
            if len(part) == room:
                self._digest.update(self._piece.digest())
                self._piece = hashlib.sha256()

    def sha256(self) -> str:
        digest = self._digest.copy()
        if self.bytes_written % PIECE_BYTES:
            digest.update(self._piece.digest())
        return digest.hexdigest()


def _checked(entry_dir: Path, images: int, image_px: int, threads: int, alive: Callable[[], None]) -> PackedImages:
    """The images of an entry. Raises _DamagedError, and ImageCacheError where it cannot be read."""
    with _reading(entry_dir):
        document, content = read_regular(entry_dir / _MANIFEST), read_regular(entry_dir / _IMAGES)
    manifest, header = _manifest(document), _header(images, _DIGEST_BYTES)
    if manifest.format != FORMAT_VERSION:
        raise _DamagedError(f"its format is {manifest.format!r}, which should be {FORMAT_VERSION}")
    digests = content[len(header) :]
    if not content.startswith(header) or len(digests) != images * _DIGEST_BYTES:
        raise _DamagedError(f"{_IMAGES} is not an array of {images} digests")
    if hashlib.sha256(digests).hexdigest() != manifest.images_sha256:
        raise _DamagedError(f"{_IMAGES} does not have the digest of the manifest")
    shape = (images, image_px, image_px, 3)
    header = _header(*shape)
    with _reading(entry_dir):
        file = open_regular(entry_dir / _PIXELS)
    with file:
        with _reading(entry_dir):
            size, start = os.fstat(file.fileno()).st_size, file.read(len(header))
        if size != manifest.pixels_bytes or size != len(header) + math.prod(shape):
            raise _DamagedError(f"{_PIXELS} has {size} bytes, which should be {len(header) + math.prod(shape)}")
        if start != header:
            raise _DamagedError(f"{_PIXELS} is not an array of the shape {shape}")
        if _sha256(file, size, threads, alive, entry_dir) != manifest.pixels_sha256:
            raise _DamagedError(f"{_PIXELS} does not have the digest of the manifest")
        # The map is of the file that was checked, also where another one has taken its name.
        with _reading(entry_dir):
            pixels = np.memmap(file, np.uint8, "r", len(header), shape)
    return PackedImages(pixels, np.frombuffer(digests, np.uint8).reshape(images, _DIGEST_BYTES))


@contextmanager
def _reading(entry_dir: Path) -> Iterator[None]:
    """Raises _DamagedError where a file is missing or no regular one, else ImageCacheError."""
    try:
        yield
    except OSError as error:
        if error.errno in _DAMAGE:
            raise _DamagedError(str(error)) from error
        why = f"{error.strerror or error}; delete the directory if this happens again"
        raise ImageCacheError(f"cannot read the image cache {entry_dir}: {why}") from error


def _manifest(content: bytes) -> _Manifest:
    try:
        return _Manifest(**json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise _DamagedError(f"{_MANIFEST}: {error}") from error


def _header(*shape: int) -> bytes:
    """What an `.npy` file of bytes in this shape begins with."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.getvalue()


def _sha256(file: BinaryIO, size: int, threads: int, alive: Callable[[], None], entry_dir: Path) -> str:
    digest, starts = hashlib.sha256(), range(0, size, PIECE_BYTES)
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(starts), threads):  # so that an exception that `alive` raises ends it soon
            some = starts[first : first + threads]
            with _reading(entry_dir):
                for piece in pool.map(lambda start: hashlib.sha256(os.pread(file.fileno(), PIECE_BYTES, start)), some):
                    digest.update(piece.digest())
            alive()
    return digest.hexdigest()


def _remove(path: Path) -> None:
    """Removes a directory or file, as far as possible: it only takes space."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
