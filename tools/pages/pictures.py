"""Pictures of pages as small files."""

from __future__ import annotations

import io

from PIL import Image

COLOURS = 128


def palette_png(picture: bytes, colours: int = COLOURS) -> bytes:
    """A screenshot as a PNG with a palette of at most `colours` colours, without dithering: flat areas stay flat."""
    with Image.open(io.BytesIO(picture)) as image:
        reduced = image.convert("RGB").quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    reduced.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
