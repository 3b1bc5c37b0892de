"""A split decoded and resized once, as memory-mapped arrays that every worker of a machine shares."""

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
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.images import load_image, resize_and_pad, resized_size
from proxy_trainer.errors import DataError, UnreadableImageError

_FORMAT_VERSION = 1
_CHUNK_IMAGES = 64

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class PackedSplit:
    """What training and scoring read, in the order of the split's images.

    `pixels` uint8 [n, image_px, image_px, 3], memory-mapped and read-only, zero beyond `sizes` int32 [n, 2]
    (height, width of the resized image); `scales` float32 [n] takes boxes of the original image to it.
    `boxes` float32 [n, most, 4] (y1, x1, y2, x2 in pixels of the resized image) and `classes` int32 [n,
    most] are the training boxes; classes count from 0, and -1 is padding, whose box is zero.
    """

    pixels: NDArray[np.uint8]
    sizes: NDArray[np.int32]
    scales: NDArray[np.float32]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scales)


def pack(
    split: CocoSplit,
    image_px: int,
    cache_dir: Path,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> PackedSplit:
    """The packed split, from `cache_dir` where it is there already.

    The cache knows a split by the content of its annotation file and by the names, sizes and times of its
    images. Any number of processes may call this at once: a finished folder is renamed into place, and the
    first one stays. `progress` is called with (images done, images in all). Raises UnreadableImageError for
    a bad image, and DataError where an image is not as large as its annotations say or the cache cannot be
    written.
    """
    folder = cache_dir / f"packed-{image_px}px-{_key(split, image_px)}"
    if not folder.is_dir():
        _write(split, image_px, folder, threads or os.cpu_count() or 1, progress or (lambda done, total: None))
    scale = image_px / split.sizes.max(axis=1)
    sizes = np.array([resized_size(int(height), int(width), image_px) for height, width in split.sizes], np.int32)
    boxes, classes = _padded_boxes(split, scale)
    return PackedSplit(_mapped(folder), sizes.reshape(-1, 2), scale.astype(np.float32), boxes, classes)


def _key(split: CocoSplit, image_px: int) -> str:
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


def _mapped(folder: Path) -> NDArray[np.uint8]:
    mapped: NDArray[np.uint8] = np.load(folder / "pixels.npy", mmap_mode="r")
    return mapped


def _write(split: CocoSplit, image_px: int, folder: Path, threads: int, progress: Progress) -> None:
    partial = folder.with_name(f".{folder.name}.{uuid4().hex[:12]}.partial")
    try:
        partial.mkdir(parents=True)
        _write_pixels(split, image_px, partial / "pixels.npy", threads, progress)
        _put_in_place(partial, folder)
    except OSError as error:
        why = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror or error
        raise DataError(f"cannot write the image cache {folder}: {why}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, folder: Path) -> None:
    try:
        partial.rename(folder)
    except OSError as error:
        # Another worker was faster; its content is the same.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _write_pixels(split: CocoSplit, image_px: int, path: Path, threads: int, progress: Progress) -> None:
    """Writes through the file, not a mapping, so that a full disk is an error and not a signal."""

    def prepare(index: int) -> bytes:
        return resize_and_pad(stored_pixels(split, index), image_px)[0].tobytes()

    header = {"descr": "|u1", "fortran_order": False, "shape": (len(split), image_px, image_px, 3)}
    with open(path, "xb") as file, ThreadPoolExecutor(threads) as pool:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(split), _CHUNK_IMAGES):
            stop = min(start + _CHUNK_IMAGES, len(split))
            file.writelines(pool.map(prepare, range(start, stop)))
            progress(stop, len(split))


def stored_pixels(split: CocoSplit, index: int) -> NDArray[np.uint8]:
    """The image as it is stored; raises DataError where it is not as large as its annotations say."""
    path = split.path(index)
    pixels = load_image(path)
    height, width = (int(side) for side in split.sizes[index])
    if pixels.shape[:2] != (height, width):
        raise DataError(
            f"the image {path} is {pixels.shape[1]}x{pixels.shape[0]} pixels, but {split.annotations_file} "
            f"says {width}x{height}{_orientation_note(path)}"
        )
    return pixels


def _orientation_note(path: Path) -> str:
    with Image.open(path) as image:
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return "; its EXIF orientation turns it, but boxes must refer to the pixels as stored" if turned else ""


def _padded_boxes(split: CocoSplit, scale: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    found = split.training_boxes
    counts = np.bincount(found.images, minlength=len(split))
    most = max(1, int(counts.max(initial=0)))
    boxes, classes = np.zeros((len(split), most, 4), np.float32), np.full((len(split), most), -1, np.int32)
    # Boxes come sorted by image, so a box's place within its image is its distance from the image's first
    # one.
    first = np.cumsum(counts) - counts
    place = np.arange(len(found.images)) - first[found.images]
    boxes[found.images, place] = found.corners[:, [1, 0, 3, 2]] * scale[found.images, None]
    classes[found.images, place] = found.categories
    return boxes, classes
