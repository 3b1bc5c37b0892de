"""Decodes and resizes the images of a split once, into a memory-mapped cache that all workers of a machine share."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.images import read_image, resize_and_pad, resized_size
from proxy_trainer.errors import DataError, UnreadableImageError
from search_space.atomic_file import partial_path

_FORMAT_VERSION = 1
_CHUNK_IMAGES = 64

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class DecodedSplit:
    """The resized images of a split and their training boxes, in the order of the split.

    `pixels` uint8 [n, image_px, image_px, 3], memory-mapped and read-only, are zero beyond `sizes` int32 [n, 2]
    (height, width of the resized image in pixels). `scales` float32 [n] is resized over original size. `boxes`
    float32 [n, m, 4] (y1, x1, y2, x2 in pixels of the resized image) and `classes` int32 [n, m] are padded to the
    largest number of boxes of any image, with zeros and with class -1; other classes count from 0.
    """

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    scales: NDArray[np.float32]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scales)


def decode_split(
    split: CocoSplit,
    image_px: int,
    cache_dir: Path,
    *,
    threads: int | None = None,
    progress: OnProgress | None = None,
) -> DecodedSplit:
    """The decoded split, read from `cache_dir` where it is cached.

    The cache key is a digest of the annotation file and of the paths, sizes and modification times of the images.
    Concurrent calls of several processes are safe: each writes to its own directory, and the first to rename it into
    place wins. `progress` is called with (images done, images in total). Raises UnreadableImageError for a damaged
    image, and DataError where an image differs in size from its annotations or the cache cannot be written.
    """
    entry_dir = cache_dir / f"decoded-{image_px}px-{_cache_key(split, image_px)}"
    if not entry_dir.is_dir():
        _write(split, image_px, entry_dir, threads or os.cpu_count() or 1, progress or (lambda done, total: None))
    scale = image_px / split.sizes.max(axis=1)
    sizes = np.array([resized_size(int(height), int(width), image_px) for height, width in split.sizes], np.int32)
    boxes, classes = padded_boxes(split, scale)
    return DecodedSplit(_memory_map(entry_dir), sizes.reshape(-1, 2), scale.astype(np.float32), boxes, classes)


def _cache_key(split: CocoSplit, image_px: int) -> str:
    digest = hashlib.sha256(f"{_FORMAT_VERSION} {image_px} {split.annotations_sha256}".encode())
    for index in range(len(split)):
        path = split.path(index)
        try:
            status = path.stat()
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise UnreadableImageError(path, "there is no such file" if missing else str(error.strerror)) from None
        digest.update(json.dumps([str(path), status.st_size, status.st_mtime_ns]).encode())
    return digest.hexdigest()[:24]


def _memory_map(entry_dir: Path) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = np.load(entry_dir / "pixels.npy", mmap_mode="r")
    return pixels


def _write(split: CocoSplit, image_px: int, entry_dir: Path, threads: int, progress: OnProgress) -> None:
    partial = partial_path(entry_dir)
    try:
        partial.mkdir(parents=True)
        _write_pixels(split, image_px, partial / "pixels.npy", threads, progress)
        _rename_into_place(partial, entry_dir)
    except OSError as error:
        why = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror or error
        raise DataError(f"cannot write the image cache {entry_dir}: {why}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _rename_into_place(partial: Path, entry_dir: Path) -> None:
    try:
        partial.rename(entry_dir)
    except OSError as error:
        # Another worker was faster, and its content is the same.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _write_pixels(split: CocoSplit, image_px: int, path: Path, threads: int, progress: OnProgress) -> None:
    """Writes to the file, not to a memory map, because a full disk then raises OSError instead of SIGBUS."""

    def prepare(index: int) -> bytes:
        return resize_and_pad(read_image(split, index), image_px)[0].tobytes()

    header = {"descr": "|u1", "fortran_order": False, "shape": (len(split), image_px, image_px, 3)}
    with open(path, "xb") as file, ThreadPoolExecutor(threads) as pool:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(split), _CHUNK_IMAGES):
            stop = min(start + _CHUNK_IMAGES, len(split))
            file.writelines(pool.map(prepare, range(start, stop)))
            progress(stop, len(split))


def padded_boxes(split: CocoSplit, scale: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    found = split.training_boxes
    counts = np.bincount(found.images, minlength=len(split))
    most = max(1, int(counts.max(initial=0)))
    boxes, classes = np.zeros((len(split), most, 4), np.float32), np.full((len(split), most), -1, np.int32)
    # Boxes are sorted by image, so the column of a box is its distance from the first box of its image.
    first = np.cumsum(counts) - counts
    column = np.arange(len(found.images)) - first[found.images]
    boxes[found.images, column] = found.corners[:, [1, 0, 3, 2]] * scale[found.images, None]
    classes[found.images, column] = found.categories
    return boxes, classes
