"""Pixels of 16 bits a channel, and their reduction to 8 bits by the range that an image uses."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_USED_BITS = (8, 10, 12, 14, 16)
"""The ranges that cameras and scanners write into 16 bits."""

_LOW_BYTES = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L"}
"""Pillow's names of the pixels of a PNG, of which it keeps the high bytes, and of those whose low bytes it keeps."""


def is_deep(image: Image.Image) -> bool:
    """Whether the file has more than 8 bits a channel; decodes no pixel, and must come before they are loaded."""
    return image.mode.startswith("I") or any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def deep_values(content: bytes) -> NDArray[np.int64]:
    """The 16-bit values in the content of an image file that `is_deep`, [height, width] or [height, width, 3].

    Transparency is dropped. Raises ValueError for 16-bit colour of which Pillow gives the high bytes only, where
    those would be nearly black.
    """
    with Image.open(io.BytesIO(content)) as image:
        if image.mode.startswith("I"):
            return np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        layout = str(image.tile[0][3])
        if image.format == "PNG" and layout == "LA;16B":
            # Two bytes of grey and two of transparency, read as one pixel of four channels.
            pixels = _decoded_as(content, "RGBA")
            return _joined(pixels[..., 0], pixels[..., 1])
        if image.format == "PNG" and layout in _LOW_BYTES:
            low = _decoded_as(content, _LOW_BYTES[layout])
            return _joined(np.asarray(image)[..., :3], low[..., :3])
        high = np.asarray(image.convert("RGB"))
    if high.max() < 64:
        raise ValueError("16-bit colour that uses 14 bits or fewer can be read from PNG only; convert it to 8 bits")
    return high.astype(np.int64) << 8


def _decoded_as(content: bytes, layout: str) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(content)) as image:
        image.tile = [tile._replace(args=layout) for tile in image.tile]
        return np.asarray(image)


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.int64]:
    return (high.astype(np.int64) << 8) | low


def used_bits(values: NDArray[np.int64]) -> int:
    """The smallest usual range, in bits, that holds all values."""
    largest = int(values.max(initial=0))
    return next(bits for bits in _USED_BITS if largest < 1 << bits)


def eight_bits(values: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The 8 highest of the bits that the values use."""
    return (values >> (used_bits(values) - 8)).astype(np.uint8)
