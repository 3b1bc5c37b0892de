"""Drawings of masks: colours where the masks are, and label images that give the classes back."""

from __future__ import annotations

import numpy as np

from proxy_trainer.data.box_drawing import class_colour
from proxy_trainer.inference.mask_drawing import blended, label_image, overlaid

LABELS = np.zeros((4, 6), np.uint8)
LABELS[1:3, 2:5] = 2
PIXELS = np.full((4, 6, 3), 100, np.uint8)


def test_a_mask_colours_its_pixels_and_no_other() -> None:
    found = blended(PIXELS, [(LABELS == 2, (200, 0, 100))])
    assert (found[LABELS == 0] == 100).all()
    assert (found[LABELS == 2] == np.round([0.45 * 100 + 0.55 * 200, 45, 100])).all()


def test_the_last_mask_is_on_top() -> None:
    everywhere = np.ones((4, 6), bool)
    found = blended(PIXELS, [(everywhere, (0, 0, 0)), (LABELS == 2, (255, 255, 255))])
    assert (found[LABELS == 0] == 45).all()
    assert (found[LABELS == 2] == round(45 + 0.55 * 255)).all()


def test_the_overlay_has_the_colour_of_a_class_in_the_picture_and_in_the_legend() -> None:
    names, labels = ["background", "cat", "dog"], np.kron(LABELS, np.ones((80, 80), np.uint8))
    pixels = np.full((320, 480, 3), 100, np.uint8)
    drawn = np.asarray(overlaid(pixels, labels, names))
    assert drawn.shape == (320 + 22, 480, 3)
    np.testing.assert_array_equal(drawn[:320], blended(pixels, [(labels == 2, class_colour(2))]))
    assert (drawn[320 + 8, 10] == class_colour(2)).all()
    small = overlaid(PIXELS, np.zeros_like(LABELS), names)
    assert small.size == (480, 320), "it is enlarged, and has no legend"


def test_a_label_image_has_the_classes_as_values_and_the_background_in_black() -> None:
    image = label_image(LABELS, 3)
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), LABELS)
    colours = np.asarray(image.convert("RGB"))
    assert (colours[0, 0] == 0).all()
    assert (colours[1, 2] == class_colour(2)).all()
