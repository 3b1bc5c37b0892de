"""Composes one image of handwritten digits at many scales, with a mask for each digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from proxy_trainer.data.digit_backgrounds import Pixels, background, plain_background
from proxy_trainer.data.digits_parameters import OBJECT_IMAGE_PX

_COUNT_PROBABILITIES = (0.18, 0.22, 0.22, 0.17, 0.12, 0.09)
"""Probabilities of one to six digits."""

_MAX_HIDDEN = 0.3
_MAX_BOX_OVERLAP = 0.3
_MIN_VISIBLE_PX = 12
_PLACEMENTS = 15
_GLYPH_PX = 8
_ONE_DIGIT = (0.45, 0.85)
"""The height of a digit that is alone in its picture, as a share of the side."""
_MARGIN = 3


@dataclass(frozen=True)
class Glyphs:
    """Handwritten digits that can be drawn at any size.

    `splines` float32 [n, 14, 14]: cubic spline coefficients of the ink (0 to 1), with an empty margin. `digits` int64
    [n]: the digit of each glyph, 0 to 9.
    """

    splines: NDArray[np.float32]
    digits: NDArray[np.int64]

    @classmethod
    def of(cls, ink: NDArray[np.float64], digits: NDArray[np.int64]) -> Glyphs:
        """Glyphs of ink [n, 8, 8], 0 to 1, and their digits [n]."""
        padded = np.pad(ink, ((0, 0), (_MARGIN, _MARGIN), (_MARGIN, _MARGIN)))
        rows = ndimage.spline_filter1d(padded, 3, axis=1, mode="mirror")
        splines = ndimage.spline_filter1d(rows, 3, axis=2, mode="mirror")
        return cls(splines.astype(np.float32), digits)


@dataclass(frozen=True)
class Scene:
    """`pixels` [height, width, 3], the visible `masks` [n, height, width] of n digits, and the `digits`, 0 to 9."""

    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    digits: tuple[int, ...]


def compose_scene(rng: np.random.Generator, glyphs: Glyphs, image_px: int, object_px: tuple[float, float]) -> Scene:
    """Draws up to six digits, largest first, on a textured background; a function of its arguments alone.

    Their heights are log-uniform in the range `object_px`, in pixels of images of OBJECT_IMAGE_PX. A digit without a
    free place is left out, so some images have no digit.
    """
    height, width = _image_size(rng, image_px)
    canvas = background(rng, height, width)
    count = 1 + int(rng.choice(len(_COUNT_PROBABILITIES), p=_COUNT_PROBABILITIES))
    smallest, largest = (np.log(height_px / OBJECT_IMAGE_PX) for height_px in object_px)
    sizes_px = np.sort(np.exp(rng.uniform(smallest, largest, count)) * image_px)[::-1]
    masks: list[NDArray[np.bool_]] = []
    full_areas: list[int] = []
    digits: list[int] = []
    for size_px in sizes_px:
        chosen = int(rng.integers(len(glyphs.digits)))
        alpha = _rasterise(rng, glyphs.splines[chosen], min(float(size_px), 0.85 * min(height, width)))
        place = _free_place(rng, alpha > 0.5, masks, full_areas, (height, width))
        if place is None:
            continue
        top, left = place
        window = (slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1]))
        _paint(rng, canvas[window], alpha)
        mask = np.zeros((height, width), np.bool_)
        mask[window] = alpha > 0.5
        masks = [earlier & ~mask for earlier in masks] + [mask]
        full_areas.append(int(mask.sum()))
        digits.append(int(glyphs.digits[chosen]))
    canvas += rng.standard_normal(canvas.shape, np.float32) * np.float32(rng.uniform(0.005, 0.03))
    return Scene(_eight_bits(canvas), np.array(masks, np.bool_).reshape(-1, height, width), tuple(digits))


def compose_digit(rng: np.random.Generator, glyphs: Glyphs, chosen: int, image_px: int) -> Scene:
    """Draws one glyph, 45 to 85 % of the side high, at a random place on a square plain background."""
    canvas = plain_background(rng, image_px, image_px)
    size_px = rng.uniform(*_ONE_DIGIT) * image_px
    alpha = _rasterise(rng, glyphs.splines[chosen], size_px)[:image_px, :image_px]
    top, left = (int(rng.integers(image_px - side + 1)) for side in alpha.shape)
    window = (slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1]))
    _paint(rng, canvas[window], alpha)
    canvas += rng.standard_normal(canvas.shape, np.float32) * np.float32(rng.uniform(0.005, 0.03))
    mask = np.zeros((image_px, image_px), np.bool_)
    mask[window] = alpha > 0.5
    return Scene(_eight_bits(canvas), mask[None], (int(glyphs.digits[chosen]),))


def _eight_bits(canvas: Pixels) -> NDArray[np.uint8]:
    return np.rint(np.clip(canvas, 0, 1) * 255).astype(np.uint8)


def _image_size(rng: np.random.Generator, image_px: int) -> tuple[int, int]:
    """(height, width) in pixels; the long side is `image_px`, or in one image of eight up to 1.5 times that."""
    long_px = image_px if rng.random() < 0.875 else round(image_px * rng.uniform(1.1, 1.5))
    short_px = round(long_px * rng.uniform(0.75, 1.0))
    return (short_px, long_px) if rng.random() < 0.6 else (long_px, short_px)


def _rasterise(rng: np.random.Generator, spline: NDArray[np.float32], size_px: float) -> NDArray[np.float32]:
    """The alpha mask of a glyph, 0 to 1, [rows, columns], cropped to the ink; `size_px` tall before its rotation."""
    angle = np.deg2rad(np.clip(rng.normal(0, 10), -25, 25))
    shear, aspect = rng.uniform(-0.25, 0.25), np.exp(np.clip(rng.normal(0, 0.12), -0.3, 0.3))
    threshold, softness = rng.uniform(0.3, 0.45), rng.uniform(0.6, 1.2)
    half = int(np.ceil(size_px * 0.85)) + 1
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    cells_per_px = _GLYPH_PX / size_px
    down = (np.cos(angle) * rows - np.sin(angle) * columns) * cells_per_px
    right = (np.sin(angle) * rows + np.cos(angle) * columns) * cells_per_px / aspect + shear * down
    centre = (spline.shape[0] - 1) / 2
    ink = ndimage.map_coordinates(spline, [down + centre, right + centre], order=3, prefilter=False, mode="constant")
    # Dividing by `cells_per_px` makes the edge about one pixel wide at every size.
    alpha = np.clip((ink - threshold) / (cells_per_px * softness) + 0.5, 0, 1).astype(np.float32)
    ink_rows, ink_columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    cropped: NDArray[np.float32] = alpha[ink_rows[0] : ink_rows[-1] + 1, ink_columns[0] : ink_columns[-1] + 1]
    return cropped


def _free_place(
    rng: np.random.Generator,
    mask: NDArray[np.bool_],
    earlier: list[NDArray[np.bool_]],
    full_areas: list[int],
    image_size: tuple[int, int],
) -> tuple[int, int] | None:
    """(top, left) where the mask hides at most 30 % of each earlier digit, or None after 15 unsuccessful draws.

    This is checked before the digit is painted, so every visible digit has an annotation.
    """
    rows, columns = image_size[0] - mask.shape[0], image_size[1] - mask.shape[1]
    if rows < 0 or columns < 0 or mask.sum() < _MIN_VISIBLE_PX:
        return None
    for _ in range(_PLACEMENTS):
        top, left = int(rng.integers(rows + 1)), int(rng.integers(columns + 1))
        window = (slice(top, top + mask.shape[0]), slice(left, left + mask.shape[1]))
        box = (top, left, top + mask.shape[0], left + mask.shape[1])
        if all(
            other.sum() - (other[window] & mask).sum() >= max(_MIN_VISIBLE_PX, (1 - _MAX_HIDDEN) * area)
            and _overlap(box, _box(other)) <= _MAX_BOX_OVERLAP
            for other, area in zip(earlier, full_areas, strict=True)
        ):
            return top, left
    return None


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection over union of two (top, left, bottom, right) boxes."""
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def _paint(rng: np.random.Generator, patch: Pixels, alpha: NDArray[np.float32]) -> None:
    """Blends ink into the patch in place, with contrast to the background under the strokes."""
    under = float((patch.mean(axis=2) * alpha).sum() / alpha.sum())
    contrast = rng.uniform(0.22, 0.65)
    headroom_above, headroom_below = 1 - under, under
    lighter = rng.random() < headroom_above / (headroom_above + headroom_below)
    level = under + contrast if lighter else under - contrast
    ink = np.clip(level + rng.uniform(-0.12, 0.12, 3), 0.02, 0.98).astype(np.float32)
    opacity = np.float32(rng.uniform(0.8, 1.0))
    patch += alpha[..., None] * opacity * (ink - patch)
