"""Pictures with a class per pixel in the layout of Pascal VOC.

`JPEGImages/NAME.jpg`, `SegmentationClass/NAME.png` (palette or grey, the class of each pixel, 255 for pixels that do
not count), `ImageSets/Segmentation/train.txt` and `val.txt` with a NAME a line. Where they exist, `trainaug.txt` (or
`train_aug.txt`) and `SegmentationClassAug/` have the extra annotations of B. Hariharan et al., ICCV 2011, for training
only. `classes.txt` has the names of the classes, the background first; without it they are those of Pascal VOC.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from proxy_trainer.data.file_errors import file_error
from proxy_trainer.data.images import Pixels, load_image, read_image_file
from proxy_trainer.errors import DataAwayError, DataError, EmptySplitError, UnreadableImageError

IGNORED = 255
"""The label of pixels that count neither in the loss nor in the metric."""

CLASSES_FILE = "classes.txt"

VOC_CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip

_LISTS = Path("ImageSets") / "Segmentation"
_TRAIN_LISTS = ("trainaug.txt", "train_aug.txt", "train.txt")
_MASKS, _TRAIN_MASKS = ("SegmentationClass",), ("SegmentationClassAug", "SegmentationClass")
_PALETTE_MODES = ("P", "L")


@dataclass(frozen=True)
class LabelledPictures:
    """The picture and the mask file of each image of a split."""

    images: tuple[Path, ...]
    masks: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class VocSegmentation:
    """Both splits and the names of the classes."""

    train: LabelledPictures
    val: LabelledPictures
    classes: tuple[str, ...]


def load_voc_segmentation(directory: Path) -> VocSegmentation:
    """The splits of a directory; opens no picture.

    Raises DataAwayError where a list or a listed file is missing, EmptySplitError for an empty list, and DataError for
    a name that is no file name, for fewer than two classes, for a list that is not UTF-8 text, and where the directory
    cannot be read.
    """
    try:
        train = next((name for name in _TRAIN_LISTS if (directory / _LISTS / name).is_file()), _TRAIN_LISTS[-1])
        train_split, val_split = _split(directory, train, _TRAIN_MASKS), _split(directory, "val.txt", _MASKS)
        return VocSegmentation(train_split, val_split, _classes(directory))
    except OSError as error:
        raise file_error("the data set directory", directory, error) from None


def _classes(directory: Path) -> tuple[str, ...]:
    path = directory / CLASSES_FILE
    if not path.is_file():
        return VOC_CLASSES
    names = tuple(_lines(path))
    if not 2 <= len(names) <= IGNORED:
        raise DataError(f"{path} has {len(names)} classes; there must be 2 to {IGNORED}, the background first")
    return names


def _split(directory: Path, list_name: str, mask_folders: tuple[str, ...]) -> LabelledPictures:
    """The listed pictures; each mask is in the first of the folders that has it."""
    path = directory / _LISTS / list_name
    if not path.is_file():
        raise DataAwayError(f"there is no file {path}; the layout is that of Pascal VOC")
    names = [line.split()[0] for line in _lines(path)]
    if not names:
        raise EmptySplitError(f"{path} lists no image")
    images, masks = [], []
    for name in names:
        if Path(name).name != name:
            raise DataError(f"{path} lists {name!r}, which must be the name of a picture without its suffix")
        images.append(_existing(path, [directory / "JPEGImages" / f"{name}.jpg"]))
        masks.append(_existing(path, [directory / folder / f"{name}.png" for folder in mask_folders]))
    return LabelledPictures(tuple(images), tuple(masks))


def _lines(path: Path) -> list[str]:
    """The lines of a text file that are not blank, without the space around them."""
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text") from None


def _existing(listed_in: Path, candidates: list[Path]) -> Path:
    for path in candidates:
        if path.is_file():
            return path
    raise DataAwayError(f"there is no file {candidates[-1]}, which {listed_in} lists")


def read_labelled(split: LabelledPictures, index: int, classes: int) -> tuple[Pixels, npt.NDArray[np.uint8]]:
    """A picture, uint8 [height, width, 3], and the classes of its pixels, uint8 [height, width], 255 where ignored.

    Raises UnreadableImageError for a damaged file, and DataError for a mask of another size or with a class that is
    not one of `classes`.
    """
    pixels, labels = load_image(split.images[index]), read_mask(split.masks[index])
    if labels.shape != pixels.shape[:2]:
        sizes = [f"{shape[1]}x{shape[0]}" for shape in (labels.shape, pixels.shape)]
        raise DataError(f"the mask {split.masks[index]} is {sizes[0]} pixels, and its picture {sizes[1]}")
    wrong = labels[(labels >= classes) & (labels != IGNORED)]
    if len(wrong):
        raise DataError(
            f"the mask {split.masks[index]} has the class {wrong[0]}; classes are 0 to {classes - 1}, and {IGNORED} "
            "for pixels to ignore"
        )
    return pixels, labels


def read_mask(path: Path) -> npt.NDArray[np.uint8]:
    """The values of a palette or grey PNG, uint8 [height, width]. Raises UnreadableImageError."""
    try:
        with Image.open(io.BytesIO(read_image_file(path))) as image:
            if image.mode not in _PALETTE_MODES:
                raise UnreadableImageError(path, f"it has mode {image.mode}; a mask must have a palette or be grey")
            return np.asarray(image, np.uint8)
    except (OSError, ValueError) as error:
        raise UnreadableImageError(path, str(error)) from error
