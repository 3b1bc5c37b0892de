"""Loads image files, and resizes and pads them to the square input of a proxy network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from proxy_trainer.errors import UnreadableImageError

Pixels = NDArray[np.uint8]


def load_image(path: Path) -> Pixels:
    """The stored pixels as RGB, uint8 [height, width, 3].

    Greyscale, palette, CMYK and 16-bit images are converted, and transparency is dropped. An EXIF orientation is not
    applied, because COCO annotations refer to the stored pixels. Raises UnreadableImageError for a file that is
    missing, truncated or not an image.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return np.asarray(_rgb(image))
    except FileNotFoundError:
        raise UnreadableImageError(path, "there is no such file") from None
    except Exception as error:
        # Decoders raise more than OSError for damaged files.
        raise UnreadableImageError(path, str(error) or type(error).__name__) from error


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
