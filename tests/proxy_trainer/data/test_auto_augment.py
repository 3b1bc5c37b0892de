"""AutoAugment: each operation on hand-made pictures, and pairs that are drawn from the policy."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data import auto_augment
from proxy_trainer.data.auto_augment import POLICY, auto_augmented

SIDE = 40


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8))


def _values(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(int)


def test_a_shift_moves_the_rows_and_fills_with_grey(picture: Image.Image) -> None:
    before, shift = _values(picture), round(0.9 * 0.45 * SIDE)
    up, down = (_values(auto_augment._translate_y(picture, 0.9, sign)) for sign in (1.0, -1.0))
    np.testing.assert_array_equal(up[: SIDE - shift], before[shift:])
    assert (up[SIDE - shift :] == 128).all()
    np.testing.assert_array_equal(down[shift:], before[: SIDE - shift])
    assert (down[:shift] == 128).all()


def test_shears_move_rows_and_columns_in_proportion(picture: Image.Image) -> None:
    before = _values(picture)
    rows, columns = (_values(shear(picture, 1.0, 1.0)) for shear in (auto_augment._shear_x, auto_augment._shear_y))
    for place in (0, 10, 30):
        moved = int(np.floor(0.3 * (place + 0.5) + 0.5))
        np.testing.assert_array_equal(rows[place, : SIDE - moved], before[place, moved:])
        np.testing.assert_array_equal(columns[: SIDE - moved, place], before[moved:, place])


def test_operations_on_values(picture: Image.Image) -> None:
    before = _values(picture)
    np.testing.assert_array_equal(_values(auto_augment._invert(picture, 0.9, 1.0)), 255 - before)
    solarized = np.where(before < 76, before, 255 - before)
    np.testing.assert_array_equal(_values(auto_augment._solarize(picture, 0.3, 1.0)), solarized)
    np.testing.assert_array_equal(_values(auto_augment._solarize(picture, 1.0, 1.0)), before)
    added = np.where(before < 128, before + 33, before)
    np.testing.assert_array_equal(_values(auto_augment._solarize_add(picture, 0.3, 1.0)), added)
    np.testing.assert_array_equal(_values(auto_augment._posterize(picture, 0.6, 1.0)), before // 64 * 64)
    np.testing.assert_array_equal(_values(auto_augment._posterize(picture, 0.2, 1.0)), before // 128 * 128)
    grey = _values(auto_augment._colour(picture, 0.0, 1.0))
    assert np.ptp(grey, axis=-1).max() <= 0.1 * np.ptp(before, axis=-1).max() + 1
    np.testing.assert_array_equal(_values(auto_augment._rotate(picture, 0.0, 1.0)), before)
    turned = _values(auto_augment._rotate(picture, 1.0, 1.0))
    np.testing.assert_array_equal(turned, _values(picture.rotate(30, fillcolor=(128, 128, 128))))


def test_the_policy_has_25_pairs_of_which_each_is_drawn() -> None:
    assert len(POLICY) == 25
    assert all(0 <= probability <= 1 and 0 <= magnitude <= 10 for pair in POLICY for _, probability, magnitude in pair)
    pixels = np.random.default_rng(1).integers(0, 200, (24, 32, 3), np.uint8)
    found = [auto_augmented(pixels, np.random.default_rng(seed)) for seed in range(60)]
    assert all(each.shape == pixels.shape and each.dtype == np.uint8 for each in found)
    assert 30 < sum(not np.array_equal(each, pixels) for each in found) < 60
    np.testing.assert_array_equal(found[3], auto_augmented(pixels, np.random.default_rng(3)))
