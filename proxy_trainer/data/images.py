"""Loads image files, and resizes and pads them to the square input of a proxy network."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.deep_pixels import deep_values, eight_bits, is_deep, used_bits
from proxy_trainer.data.file_errors import check_is_there, file_error, is_away
from proxy_trainer.data.findings import Finding, findings_of
from proxy_trainer.data.image_header import ImageHeader, check_is_regular, image_fault, orientation
from proxy_trainer.errors import DataError, UnreadableImageError
from search_space.regular_file import read_regular

Pixels = NDArray[np.uint8]

TRANSPOSED = (5, 6, 7, 8)
"""The EXIF orientations whose upright picture is as wide as the stored one is high."""


def read_image(split: CocoSplit, index: int) -> Pixels:
    """The picture that the boxes of this image refer to, uint8 [height, width, 3], of the size in `split.sizes`.

    Raises UnreadableImageError, DataAwayError where the images directory is missing or empty, and DataError where the
    file has another size.
    """
    return decode_image(split, index, image_content(split, index))


def image_content(split: CocoSplit, index: int) -> bytes:
    """The content of the image's file. Raises UnreadableImageError, or DataAwayError as `read_image` does."""
    with _errors_of(split):
        return read_image_file(split.path(index))


def image_status(split: CocoSplit, index: int) -> os.stat_result:
    """The status of the image's file. Raises like `image_content`."""
    with _errors_of(split), _errors_of_file(split.path(index)):
        return check_is_regular(split.path(index))


@contextmanager
def _errors_of(split: CocoSplit) -> Iterator[None]:
    """Raises DataAwayError instead of UnreadableImageError where the images directory is missing or empty."""
    try:
        yield
    except UnreadableImageError:
        check_is_there(split.images_dir)
        raise


def decode_image(split: CocoSplit, index: int, content: bytes) -> Pixels:
    """`read_image` of the content of its file.

    The stored pixels are turned as the EXIF orientation says where only the turned picture has the size that the
    annotations give; elsewhere the orientation is not applied, because the COCO tools ignore it.
    """
    path = split.path(index)
    height, width = (int(side) for side in split.sizes[index])
    pixels, turn = _decoded(path, content)
    if pixels.shape[:2] == (width, height) and height != width and turn in TRANSPOSED:
        return upright(pixels, turn)
    if pixels.shape[:2] != (height, width):
        raise DataError(
            f"the image {path} is {pixels.shape[1]}x{pixels.shape[0]} pixels, but {split.annotations_file} "
            f"says {width}x{height}"
        )
    return pixels


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels turned and mirrored as an EXIF orientation of 1 to 8 says."""
    turned = np.swapaxes(pixels, 0, 1) if orientation in TRANSPOSED else pixels
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def load_image(path: Path) -> Pixels:
    """The stored pixels as RGB, uint8 [height, width, 3].

    Greyscale, palette and CMYK images are converted, 16 bits are reduced to 8 by the range that the image uses, and
    transparency is dropped. An EXIF orientation is not applied. Raises UnreadableImageError for a file that is missing,
    truncated or not an image.
    """
    return _decoded(path, read_image_file(path))[0]


def load_upright_image(path: Path) -> Pixels:
    """As `load_image`, but turned as the EXIF orientation says, so that it is as viewers show it."""
    return upright(*_decoded(path, read_image_file(path)))


def read_image_file(path: Path) -> bytes:
    """The content of an image file. Raises UnreadableImageError where it is missing, empty or not a regular file."""
    with _errors_of_file(path):
        check_is_regular(path)
        return read_regular(path)


@contextmanager
def _errors_of_file(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UnreadableImageError(path, "there is no such file") from None
    except OSError as error:
        if is_away(error):
            raise file_error("the image", path, error) from None
        raise UnreadableImageError(path, error.strerror or str(error)) from None


def _decoded(path: Path, content: bytes) -> tuple[Pixels, int]:
    """The stored pixels as RGB and the EXIF orientation."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            if is_deep(image):
                grey_or_colour = Image.fromarray(eight_bits(deep_values(content)))
                return np.asarray(grey_or_colour.convert("RGB")), orientation(image)
            image.load()
            return np.asarray(_rgb(image)), orientation(image)
    except Exception as error:
        # Decoders raise more than OSError for damaged files.
        raise UnreadableImageError(path, image_fault(error)) from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("floating point pixels have no defined range; use 8 or 16 bits")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")


def depth_findings(split: CocoSplit, headers: Sequence[ImageHeader | None]) -> list[Finding]:
    """The images of 16 bits and the ranges that they use; decodes these.

    `headers` are those of the split's images, None for one that cannot be read.
    """
    deep = [index for index, header in enumerate(headers) if header is not None and header.is_deep]
    ranges: dict[int, int] = {}
    names = []
    for index in deep:
        path = split.path(index)
        try:
            bits = used_bits(deep_values(read_image_file(path)))
        except Exception as error:
            raise UnreadableImageError(path, image_fault(error)) from error
        ranges[bits] = ranges.get(bits, 0) + 1
        names.append(f"{split.file_names[index]} ({bits} bits)")
    counts = ", ".join(f"{bits} bits in {count}" for bits, count in sorted(ranges.items()))
    return findings_of(
        "sixteen-bit",
        names,
        split.annotations_file.name,
        "image",
        f"of 16 bits a channel, reduced to 8 by the range that each uses ({counts})",
    )


def resized_size(height: int, width: int, image_px: int) -> tuple[int, int]:
    """(height, width) in pixels once the long side is `image_px`; each at least 1."""
    scale = image_px / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize_and_pad(image: Pixels, image_px: int) -> tuple[Pixels, float]:
    """The image resized to a long side of `image_px`, uint8 [image_px, image_px, 3], and the scale.

    The aspect ratio is preserved; the rest, at the bottom or on the right, is zero. Boxes of the image times the scale
    are boxes of the result.
    """
    height, width = image.shape[:2]
    new_height, new_width = resized_size(height, width, image_px)
    padded = np.zeros((image_px, image_px, 3), np.uint8)
    if (new_height, new_width) != (height, width):
        resized = Image.fromarray(image).resize((new_width, new_height), Image.Resampling.BILINEAR)
        padded[:new_height, :new_width] = np.asarray(resized)
    else:
        padded[:height, :width] = image
    return padded, image_px / max(height, width)
