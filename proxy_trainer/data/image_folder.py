"""Pictures in one directory per class: `train/CLASS/*.jpg` and `val/CLASS/*.jpg`, as ImageNet is unpacked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from proxy_trainer.data.file_errors import file_error
from proxy_trainer.data.images import Pixels, load_image
from proxy_trainer.errors import DataAwayError, DataError, EmptySplitError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """The files of one split and the class of each, int32 [n], in the order of their paths."""

    paths: tuple[Path, ...]
    labels: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, eq=False)
class ImageFolder:
    """Both splits and the names of the classes, in alphabetical order."""

    train: LabelledImages
    val: LabelledImages
    classes: tuple[str, ...]


def load_image_folder(directory: Path) -> ImageFolder:
    """The splits of a directory; opens no picture.

    Raises DataAwayError where `train` or `val` is missing, EmptySplitError where a split or a class to learn has no
    picture, and DataError for a class of `val` that `train` lacks, for fewer than two classes, and where the directory
    cannot be read.
    """
    try:
        classes = _class_names(directory / "train")
        extra = sorted(set(_class_names(directory / "val")) - set(classes))
        if extra:
            raise DataError(f"{directory / 'val'} has the class {extra[0]!r}, which {directory / 'train'} has not")
        if len(classes) < 2:
            raise DataError(f"{directory / 'train'} has {len(classes)} classes; there must be at least two directories")
        train, val = (_images(directory / split, classes) for split in ("train", "val"))
    except OSError as error:
        raise file_error("the data set directory", directory, error) from None
    without = np.flatnonzero(np.bincount(train.labels, minlength=len(classes)) == 0)
    if len(without):
        raise EmptySplitError(f"{directory / 'train' / classes[without[0]]} has no picture")
    if not len(val):
        raise EmptySplitError(f"{directory / 'val'} has no picture to score")
    return ImageFolder(train, val, classes)


def _class_names(split_dir: Path) -> tuple[str, ...]:
    if not split_dir.is_dir():
        raise DataAwayError(f"there is no directory {split_dir}; the layout is train/CLASS/*.jpg and val/CLASS/*.jpg")
    return tuple(sorted(path.name for path in split_dir.iterdir() if path.is_dir() and not path.name.startswith(".")))


def _images(split_dir: Path, classes: tuple[str, ...]) -> LabelledImages:
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        if not (split_dir / name).is_dir():
            continue
        found = sorted(path for path in (split_dir / name).iterdir() if path.suffix.lower() in SUFFIXES)
        paths += found
        labels += [label] * len(found)
    return LabelledImages(tuple(paths), np.array(labels, np.int32))


def training_crop(path: Path, image_px: int, smallest_crop: float, flip: bool, rng: np.random.Generator) -> Pixels:
    """A random crop of a picture, uint8 [image_px, image_px, 3], mirrored half of the time if `flip`.

    Its area is uniform from `smallest_crop` of the picture's to all of it, its aspect ratio log-uniform from 3/4 to 4/3
    (C. Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, section 6); it is cut to the picture. Raises
    UnreadableImageError.
    """
    pixels = load_image(path)
    height, width = pixels.shape[:2]
    area = rng.uniform(smallest_crop, 1.0) * height * width
    ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
    crop = min(np.sqrt(area / ratio), height), min(np.sqrt(area * ratio), width)
    top, left = (rng.random() * (side - cut) for side, cut in zip((height, width), crop, strict=True))
    resized = _resized(pixels, (left, top, left + crop[1], top + crop[0]), image_px)
    mirrored = flip and rng.random() < 0.5
    return resized[:, ::-1] if mirrored else resized


def central_crop(path: Path, image_px: int, padding_px: int) -> Pixels:
    """`central_square` of the stored pixels of a picture. Raises UnreadableImageError."""
    return central_square(load_image(path), image_px, padding_px)


def central_square(pixels: Pixels, image_px: int, padding_px: int) -> Pixels:
    """The central square of pixels [height, width, 3], uint8 [image_px, image_px, 3].

    At the size of the result, a border of `padding_px / 2` pixels is cut off.
    """
    height, width = pixels.shape[:2]
    side = min(height, width) * image_px / (image_px + padding_px)
    top, left = (height - side) / 2, (width - side) / 2
    return _resized(pixels, (left, top, left + side, top + side), image_px)


def _resized(pixels: Pixels, box: tuple[float, float, float, float], image_px: int) -> Pixels:
    resized = Image.fromarray(pixels).resize((image_px, image_px), Image.Resampling.BICUBIC, box=box)
    return np.asarray(resized)
