"""Decodes and resizes the images of a split once, into a memory-mapped cache that all workers of a machine share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proxy_trainer.data import packed_cache
from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.images import decode_image, image_content, image_status, resize_and_pad, resized_size
from proxy_trainer.errors import DataError
from proxy_trainer.threads import thread_count

_CHUNK_IMAGES = 64


@dataclass(frozen=True, eq=False)
class DecodedSplit:
    """The resized images of a split and their training boxes, in the order of the split.

    `pixels` uint8 [n, image_px, image_px, 3], memory-mapped and read-only, are zero beyond `sizes` int32 [n, 2]
    (height, width of the resized image in pixels). `scales` float32 [n] is resized over original size. `boxes`
    float32 [n, m, 4] (y1, x1, y2, x2 in pixels of the resized image) and `classes` int32 [n, m] are padded to the
    largest number of boxes of any image, with zeros and with class -1; other classes count from 0. `image_digests`
    uint8 [n, 32] are the SHA-256 of the image files.
    """

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    scales: NDArray[np.float32]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int32]
    image_digests: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scales)


def decode_split(
    split: CocoSplit,
    image_px: int,
    cache_dir: Path,
    *,
    threads: int | None = None,
    alive: Callable[[], None] = lambda: None,
) -> DecodedSplit:
    """The decoded split, read from `cache_dir` where it is cached; what is cached is checked whenever it is read.

    The cache key is a digest of the image sizes and of the path, size, modification and change time and inode of each
    image. Concurrent calls of several processes are safe: each writes to its own directory, and the first to rename it
    into place wins. `threads` images are decoded at once, by default one for each processor. `alive` is called now and
    then; an exception that it raises ends the call. Raises DataAwayError where the data set is away,
    UnreadableImageError for a damaged image, DataError where an image differs in size from its annotations or the cache
    cannot be read or written, and DiskFullError where no space is left.
    """
    packed = _packed(split, image_px, cache_dir, thread_count(threads), alive)
    scale = image_px / split.sizes.max(axis=1)
    sizes = np.array([resized_size(int(height), int(width), image_px) for height, width in split.sizes], np.int32)
    boxes, classes = padded_boxes(split, scale)
    return DecodedSplit(packed.pixels, sizes.reshape(-1, 2), scale.astype(np.float32), boxes, classes, packed.digests)


def _packed(
    split: CocoSplit, image_px: int, cache_dir: Path, threads: int, alive: Callable[[], None]
) -> packed_cache.PackedImages:
    entry_dir = cache_dir / f"decoded-{image_px}px-{_cache_key(split, image_px, alive)}"
    read = partial(packed_cache.read_entry, entry_dir, len(split), image_px, threads=threads, alive=alive)
    found = read()
    if found is None:
        packed_cache.write_entry(entry_dir, _prepared(split, image_px, threads, alive), len(split), image_px)
        found = read()
    if found is None:
        raise DataError(f"the image cache {entry_dir} was damaged again while it was written")
    return found


def _cache_key(split: CocoSplit, image_px: int, alive: Callable[[], None]) -> str:
    digest = hashlib.sha256(f"{packed_cache.FORMAT_VERSION} {image_px} {split.sizes.tolist()}".encode())
    for index in range(len(split)):
        status = image_status(split, index)
        times = (status.st_mtime_ns, status.st_ctime_ns)
        digest.update(json.dumps([str(split.path(index)), status.st_size, *times, status.st_ino]).encode())
        if index % _CHUNK_IMAGES == 0:
            alive()
    return digest.hexdigest()[:24]


def _prepared(
    split: CocoSplit, image_px: int, threads: int, alive: Callable[[], None]
) -> Iterator[packed_cache.PackedImage]:
    """The images of the split, resized and padded; `threads` of them are decoded at once."""
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(split), _CHUNK_IMAGES):
            chunk = range(start, min(start + _CHUNK_IMAGES, len(split)))
            yield from pool.map(lambda index: _prepare(split, index, image_px), chunk)
            alive()


def _prepare(split: CocoSplit, index: int, image_px: int) -> packed_cache.PackedImage:
    content = image_content(split, index)
    # The digest is of the bytes that are decoded, even if the file changes meanwhile.
    pixels, _ = resize_and_pad(decode_image(split, index, content), image_px)
    return packed_cache.PackedImage(pixels, hashlib.sha256(content).digest())


def padded_boxes(split: CocoSplit, scale: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The `boxes` and `classes` of a `DecodedSplit`; `scale` float64 [n] is resized over original size."""
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
