"""AutoAugment with the policy that EfficientNet is trained with on ImageNet.

E. D. Cubuk et al., "AutoAugment: Learning Augmentation Policies from Data", CVPR 2019, for the operations and what
their magnitudes mean. The policy is that of EfficientNet's training code, not the one of the paper's appendix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from proxy_trainer.data.images import Pixels

_LARGEST_MAGNITUDE = 10
_FILL = (128, 128, 128)
"""The colour of what an operation moves into the picture."""

_SHEAR, _SHIFT, _ROTATION_DEGREES = 0.3, 0.45, 30.0
"""The largest shear, shift (as a share of the side: 150 of 331 px) and rotation."""

_SOLARIZE_ADDED, _SOLARIZE_BELOW = 110, 128

Operation = Callable[[Image.Image, float, float], Image.Image]
"""A function of a picture, a magnitude from 0 to 1, and a sign, 1 or -1."""


def _moved(picture: Image.Image, *, xy: float = 0.0, yx: float = 0.0, y: float = 0.0) -> Image.Image:
    """The picture whose pixel (x, y) is that of (x + xy * y, yx * x + y) before, plus a shift along y."""
    matrix = (1.0, xy, 0.0, yx, 1.0, y)
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=_FILL)


def _shear_x(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return _moved(picture, xy=sign * magnitude * _SHEAR)


def _shear_y(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return _moved(picture, yx=sign * magnitude * _SHEAR)


def _translate_y(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return _moved(picture, y=sign * magnitude * _SHIFT * picture.height)


def _rotate(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return picture.rotate(sign * magnitude * _ROTATION_DEGREES, Image.Resampling.NEAREST, fillcolor=_FILL)


def _colour(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return ImageEnhance.Color(picture).enhance(1.8 * magnitude + 0.1)


def _posterize(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return ImageOps.posterize(picture, max(1, int(4 * magnitude)))


def _solarize(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return ImageOps.solarize(picture, int(256 * magnitude))


def _solarize_add(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    added = int(_SOLARIZE_ADDED * magnitude)
    return picture.point([min(255, value + added) if value < _SOLARIZE_BELOW else value for value in range(256)] * 3)


def _auto_contrast(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return ImageOps.autocontrast(picture)


def _equalize(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return ImageOps.equalize(picture)


def _invert(picture: Image.Image, magnitude: float, sign: float) -> Image.Image:
    return ImageOps.invert(picture)


Step = tuple[Operation, float, int]
"""An operation, its probability and its magnitude, 0 to 10."""

POLICY: tuple[tuple[Step, Step], ...] = (
    ((_equalize, 0.8, 1), (_shear_y, 0.8, 4)),
    ((_colour, 0.4, 9), (_equalize, 0.6, 3)),
    ((_colour, 0.4, 1), (_rotate, 0.6, 8)),
    ((_solarize, 0.8, 3), (_equalize, 0.4, 7)),
    ((_solarize, 0.4, 2), (_solarize, 0.6, 2)),
    ((_colour, 0.2, 0), (_equalize, 0.8, 8)),
    ((_equalize, 0.4, 8), (_solarize_add, 0.8, 3)),
    ((_shear_x, 0.2, 9), (_rotate, 0.6, 8)),
    ((_colour, 0.6, 1), (_equalize, 1.0, 2)),
    ((_invert, 0.4, 9), (_rotate, 0.6, 0)),
    ((_equalize, 1.0, 9), (_shear_y, 0.6, 3)),
    ((_colour, 0.4, 7), (_equalize, 0.6, 0)),
    ((_posterize, 0.4, 6), (_auto_contrast, 0.4, 7)),
    ((_solarize, 0.6, 8), (_colour, 0.6, 9)),
    ((_solarize, 0.2, 4), (_rotate, 0.8, 9)),
    ((_rotate, 1.0, 7), (_translate_y, 0.8, 9)),
    ((_shear_x, 0.0, 0), (_solarize, 0.8, 4)),
    ((_shear_y, 0.8, 0), (_colour, 0.6, 4)),
    ((_colour, 1.0, 0), (_rotate, 0.6, 2)),
    ((_equalize, 0.8, 4), (_equalize, 0.0, 8)),
    ((_equalize, 1.0, 4), (_auto_contrast, 0.6, 2)),
    ((_shear_y, 0.4, 7), (_solarize_add, 0.6, 7)),
    ((_posterize, 0.8, 2), (_solarize, 0.6, 10)),
    ((_solarize, 0.6, 8), (_equalize, 0.6, 1)),
    ((_colour, 0.8, 6), (_rotate, 0.4, 5)),
)  # fmt: skip
"""Pairs of operations, of which each picture has one at random."""


def auto_augmented(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Pixels [height, width, 3] after one pair of the policy; of the same size."""
    picture = Image.fromarray(pixels)
    for operation, probability, magnitude in POLICY[int(rng.integers(len(POLICY)))]:
        draw, sign = rng.random(), 1.0 if rng.random() < 0.5 else -1.0
        if draw < probability:
            picture = operation(picture, magnitude / _LARGEST_MAGNITUDE, sign)
    return np.asarray(picture)
