"""Loads image files, and resizes and pads them to the square input of a proxy network."""

from __future__ import annotations

import io
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.errors import DataError, UnreadableImageError

Pixels = NDArray[np.uint8]

_ORIENTATION = 0x0112
_TRANSPOSED = (5, 6, 7, 8)
"""The EXIF orientations whose upright picture is as wide as the stored one is high."""

# Large pictures are decoded up to Pillow's limit, which is an error; the warning at half of it is none of the user's.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class ImageHeader:
    """What an image file says before its pixels: stored size in pixels, Pillow's mode, EXIF orientation (1: none)."""

    height: int
    width: int
    mode: str
    orientation: int


def read_image(split: CocoSplit, index: int) -> Pixels:
    """The picture that the boxes of this image refer to, uint8 [height, width, 3], of the size in `split.sizes`.

    Raises UnreadableImageError, and DataError where the file has another size.
    """
    path = split.path(index)
    return decode_image(split, index, read_image_file(path))


def decode_image(split: CocoSplit, index: int, content: bytes) -> Pixels:
    """`read_image` of the content of its file.

    The stored pixels are turned as the EXIF orientation says where only the turned picture has the size that the
    annotations give; elsewhere the orientation is not applied, because the COCO tools ignore it.
    """
    path = split.path(index)
    height, width = (int(side) for side in split.sizes[index])
    pixels, orientation = _decoded(path, content)
    if pixels.shape[:2] == (width, height) and height != width and orientation in _TRANSPOSED:
        return upright(pixels, orientation)
    if pixels.shape[:2] != (height, width):
        raise DataError(
            f"the image {path} is {pixels.shape[1]}x{pixels.shape[0]} pixels, but {split.annotations_file} "
            f"says {width}x{height}"
        )
    return pixels


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels turned and mirrored as an EXIF orientation of 5 to 8 says."""
    turned = np.swapaxes(pixels, 0, 1)
    if orientation in (7, 8):
        turned = turned[::-1]
    if orientation in (6, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def load_image(path: Path) -> Pixels:
    """The stored pixels as RGB, uint8 [height, width, 3].

    Greyscale, palette, CMYK and 16-bit images are converted, and transparency is dropped. An EXIF orientation is not
    applied. Raises UnreadableImageError for a file that is missing, truncated or not an image.
    """
    return _decoded(path, read_image_file(path))[0]


def read_image_file(path: Path) -> bytes:
    """The content of an image file. Raises UnreadableImageError where it is missing or is not a regular file."""
    try:
        _check_is_regular(path)
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImageError(path, "there is no such file") from None
    except OSError as error:
        raise UnreadableImageError(path, error.strerror or str(error)) from None


def read_header(path: Path) -> ImageHeader:
    """The header of an image file; decodes no pixel. Raises UnreadableImageError as `load_image` does."""
    try:
        _check_is_regular(path)
        with Image.open(path) as image:
            return ImageHeader(image.height, image.width, image.mode, _orientation(image))
    except FileNotFoundError:
        raise UnreadableImageError(path, "there is no such file") from None
    except UnreadableImageError:
        raise
    except Exception as error:
        raise UnreadableImageError(path, _why(error)) from error


def _check_is_regular(path: Path) -> None:
    """Opening a named pipe would block, and reading a device need never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnreadableImageError(path, "it is not a regular file")


def _decoded(path: Path, content: bytes) -> tuple[Pixels, int]:
    """The stored pixels as RGB and the EXIF orientation."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            return np.asarray(_rgb(image)), _orientation(image)
    except Exception as error:
        # Decoders raise more than OSError for damaged files.
        raise UnreadableImageError(path, _why(error)) from error


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata; the pixels can be read nevertheless
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _why(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "cannot identify image file"
    return str(error) or type(error).__name__


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit greyscale: Pillow's own conversion would clip it to white.
        values = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("floating point pixels have no defined range; use 8 or 16 bits")
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return image if image.mode == "RGB" else image.convert("RGB")


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
