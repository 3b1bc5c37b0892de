"""What an image file says before its pixels."""

from __future__ import annotations

import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from proxy_trainer.data.deep_pixels import is_deep
from proxy_trainer.errors import UnreadableImageError

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".avif", ".heic", ".heif"),
)

_ORIENTATION = 0x0112
_PNG_METADATA = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}

# Pillow warns about large pictures, long before its limit, and about damaged metadata, which nothing here depends on.
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True)
class ImageHeader:
    """The stored size in pixels, the EXIF orientation (1: stored upright), and whether channels have 16 bits."""

    height: int
    width: int
    orientation: int
    is_deep: bool


def read_header(path: Path) -> ImageHeader:
    """The header of an image file; decodes no pixel.

    Raises UnreadableImageError for a file that is missing, not a regular file or not an image.
    """
    try:
        check_is_regular(path)
        with Image.open(path) as image:
            return ImageHeader(image.height, image.width, _header_orientation(image), is_deep(image))
    except UnreadableImageError:
        raise
    except FileNotFoundError:
        raise UnreadableImageError(path, "there is no such file") from None
    except Exception as error:
        raise UnreadableImageError(path, image_fault(error)) from error


def check_is_regular(path: Path) -> os.stat_result:
    """The status of a file. Raises UnreadableImageError for an empty one, a named pipe, which blocks, or a device."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError(path, "it is not a regular file")
    if not status.st_size:
        raise UnreadableImageError(path, "the file is empty")
    return status


def _header_orientation(image: Image.Image) -> int:
    if image.format == "PNG" and not _PNG_METADATA & image.info.keys():
        return 1  # Pillow would decode the pixels in search of metadata behind them
    return orientation(image)


def orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 where there is none, its metadata are damaged, or Pillow applies it itself (TIFF)."""
    if image.format == "TIFF":
        return 1
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # the pixels can be read nevertheless
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def image_fault(error: Exception) -> str:
    """Why an image cannot be decoded, in words that are the same every time."""
    if isinstance(error, UnidentifiedImageError):
        # Pillow's own message has the address of an object.
        return "cannot identify image file; convert it to JPEG or PNG"
    if isinstance(error, Image.DecompressionBombError):
        return f"{error}; resize it, with its boxes, or split it into tiles"
    return str(error) or type(error).__name__
