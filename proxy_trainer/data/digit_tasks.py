"""Writes the digits data set for other tasks: one digit a picture for classification, a mask per picture for
segmentation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from proxy_trainer.data.digit_scenes import Scene, compose_digit, compose_scene
from proxy_trainer.data.digit_splits import SPLITS, category_names, save_jpeg, split_glyphs
from proxy_trainer.data.digits_parameters import DigitsParameters
from proxy_trainer.data.voc_segmentation import CLASSES_FILE

Progress = Callable[[int, int], None]

_PALETTE = [0, 0, 0] + [(37 * index) % 256 for index in range(3, 768)]


def write_folders(directory: Path, parameters: DigitsParameters, progress: Progress) -> None:
    """Writes `train/DIGIT/*.jpg` and `val/DIGIT/*.jpg` into an empty directory: one digit on a plain background.

    Digits take turns, so each class has a tenth of the pictures. Calls `progress` with (images done, images in total)
    after each picture.
    """
    total, done = parameters.train + parameters.val, 0
    for number, (split, glyphs) in enumerate(zip(SPLITS, split_glyphs(parameters.seed), strict=True)):
        for digit in range(10):
            (directory / split / str(digit)).mkdir(parents=True)
        for index in range(getattr(parameters, split)):
            rng = np.random.default_rng([parameters.seed, number, index])
            digit = index % 10
            chosen = int(rng.choice(np.flatnonzero(glyphs.digits == digit)))
            scene = compose_digit(rng, glyphs, chosen, parameters.image_px)
            save_jpeg(scene, directory / split / str(digit) / f"{index + 1:06d}.jpg")
            done += 1
            progress(done, total)


def write_masks(directory: Path, parameters: DigitsParameters, progress: Progress) -> None:
    """Writes pictures and masks in the layout of Pascal VOC (`proxy_trainer.data.voc_segmentation`).

    The pictures are those of the detection data set with the same parameters. Classes are the background and, with one
    category, "digit", else "0" to "9".
    """
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (directory / name).mkdir(parents=True)
    classes = ["background", *category_names(parameters.categories)]
    (directory / CLASSES_FILE).write_text("\n".join(classes) + "\n")
    total, done = parameters.train + parameters.val, 0
    for number, (split, glyphs) in enumerate(zip(SPLITS, split_glyphs(parameters.seed), strict=True)):
        names = []
        for index in range(getattr(parameters, split)):
            rng = np.random.default_rng([parameters.seed, number, index])
            scene = compose_scene(rng, glyphs, parameters.image_px, parameters.object_px)
            names.append(f"{split}_{index + 1:06d}")
            save_jpeg(scene, directory / "JPEGImages" / f"{names[-1]}.jpg")
            _save_mask(scene, parameters.categories, directory / "SegmentationClass" / f"{names[-1]}.png")
            done += 1
            progress(done, total)
        (directory / "ImageSets" / "Segmentation" / f"{split}.txt").write_text("\n".join(names) + "\n")


def _save_mask(scene: Scene, categories: int, path: Path) -> None:
    labels = np.zeros(scene.pixels.shape[:2], np.uint8)
    for mask, digit in zip(scene.masks, scene.digits, strict=True):
        labels[mask] = digit + 1 if categories == 10 else 1
    image = Image.fromarray(labels, "P")
    image.putpalette(_PALETTE)
    with open(path, "xb") as file:
        image.save(file, "PNG")
