"""Number, position, size and order of anchors."""

from __future__ import annotations

import numpy as np
import pytest

from search_space.anchors import anchor_boxes


def test_every_location_of_every_level_has_nine() -> None:
    assert anchor_boxes(128, 3.0).shape == (9 * (16**2 + 8**2 + 4**2 + 2**2 + 1), 4)
    assert anchor_boxes(100, 3.0).shape == (9 * (13**2 + 7**2 + 4**2 + 2**2 + 1), 4)


def test_the_first_location_by_hand() -> None:
    """At P3 the centre is (4, 4) and the square of scale 1 is 3 strides, 24 px, wide."""
    first = anchor_boxes(128, 3.0)[:9]
    np.testing.assert_allclose(first[1], [4 - 12, 4 - 12, 4 + 12, 4 + 12])
    height, width = first[2, 2] - first[2, 0], first[2, 3] - first[2, 1]
    assert height / width == pytest.approx(2.0)
    assert height * width == pytest.approx(24**2)
    assert first[7, 2] - first[7, 0] == pytest.approx(24 * 2 ** (2 / 3))


def test_the_order_is_level_row_column() -> None:
    anchors = anchor_boxes(128, 3.0)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    np.testing.assert_allclose(centres[9], [4, 12], atol=1e-4)  # the next column
    np.testing.assert_allclose(centres[9 * 16], [12, 4], atol=1e-4)  # the next row
    np.testing.assert_allclose(centres[9 * 256], [8, 8], atol=1e-4)  # the next level
