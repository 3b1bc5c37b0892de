"""Finds the annotation files and the images of a data set folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.reserved_images import reserve
from proxy_trainer.errors import DataError, EmptyReservedSetError, EmptySplitError
from search_space.proxy_task import ReserveFrom

_TRAIN, _VAL = ("train",), ("val", "valid", "validation")
_LARGEST_RESERVED_PART = 5
LAYOUT = (
    "expected annotations/instances_train*.json and annotations/instances_val*.json beside the folders of "
    "their images, or one annotations.json beside images/"
)


@dataclass(frozen=True)
class SplitFiles:
    """Where one split lies: the folder of its images and its annotation file."""

    images: Path
    annotations: Path

    def load(self) -> CocoSplit:
        return load_split(self.images, self.annotations)


def load_dataset(
    directory: Path, *, reserved_images: int, reserve_from: ReserveFrom, seed: int
) -> tuple[CocoSplit, CocoSplit]:
    """(train, reserved) of a COCO folder; both have the same categories, and no image is in both.

    With `reserve_from` "train", or where there is no validation split, the reserved images are drawn from the
    training images, as the paper reserves 7,392 of train2017 (section 5.1.1), but never more than one image
    in five: the validation split then stays unseen by the search. With "val" they are at most
    `reserved_images` of the validation split, drawn by seed. Raises DataError for a folder that cannot be
    used, EmptySplitError where there are no training images or they have no box to learn from, and
    EmptyReservedSetError where there are none to reserve or they have no box to score against.
    """
    train_files, val_files = find_splits(directory)
    train = train_files.load()
    if reserve_from == "val" and val_files is not None:
        val = _with_categories_of(train, _reserved_split(val_files))
        reserved = reserve(val, reserved_images, seed)[1] if reserved_images < len(val) else val
    else:
        most = max(1, len(train) // _LARGEST_RESERVED_PART)
        if len(train) < 2:
            raise EmptyReservedSetError(f"{train.annotations_file} has one image; reserving some for rewards needs two")
        train, reserved = reserve(train, min(reserved_images, most), seed)
    if not len(train.training_boxes.images):
        raise EmptySplitError(f"the training images of {train.annotations_file} have no box to learn from")
    if reserved.crowd.all():
        raise EmptyReservedSetError(f"the reserved images of {reserved.annotations_file} have no box to score against")
    return train, reserved


def _reserved_split(files: SplitFiles) -> CocoSplit:
    """The split that rewards are measured on. Raises EmptyReservedSetError where it has no images."""
    try:
        return files.load()
    except EmptySplitError as error:
        raise EmptyReservedSetError(f"there are no images to reserve for rewards: {error}") from error


def find_splits(directory: Path) -> tuple[SplitFiles, SplitFiles | None]:
    """(train, reserved) files of a data set folder; reserved is None where there is one annotation file only.

    Opens none of them. Raises DataError where nothing is found, or more than one file could be meant.
    """
    if not directory.is_dir():
        raise DataError(f"there is no data set folder {directory}")
    train = _only(directory, "training", _split_annotations(directory, _TRAIN))
    if train is not None:
        val = _only(directory, "validation", _split_annotations(directory, _VAL))
        return _with_images(directory, train), None if val is None else _with_images(directory, val)
    single = _only(directory, "annotation", _single_annotations(directory))
    if single is None:
        raise DataError(f"{directory} has no COCO annotation file: {LAYOUT}")
    return _with_images(directory, single), None


def _split_annotations(directory: Path, names: tuple[str, ...]) -> list[Path]:
    """The annotation files of one split, by the first naming convention that has any."""
    for pattern in (
        "annotations/instances_{}*.json",
        "instances_{}*.json",
        "annotations/{}*.json",
        "{}/_annotations.coco.json",
        "{}*.json",
    ):
        found = {path for name in names for path in directory.glob(pattern.format(name)) if path.is_file()}
        if found:
            return sorted(found)
    return []


def _single_annotations(directory: Path) -> list[Path]:
    for pattern in (
        "annotations.json",
        "_annotations.coco.json",
        "annotations/instances*.json",
        "annotations/annotations.json",
        "instances*.json",
        "annotations/*.json",
        "*.json",
    ):
        found = [path for path in directory.glob(pattern) if path.is_file()]
        if found:
            return sorted(found)
    return []


def _only(directory: Path, which: str, found: list[Path]) -> Path | None:
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(directory)) for path in found)
        raise DataError(f"{directory} has more than one {which} file ({names}); leave the one that is meant")
    return found[0] if found else None


def _with_images(directory: Path, annotations: Path) -> SplitFiles:
    """The annotation file with the first folder of a usual name that is there."""
    for folder in _image_folders(directory, annotations):
        if folder.is_dir() and (folder != directory or _has_files(folder)):
            return SplitFiles(folder, annotations)
    raise DataError(f"{directory} has no images folder for {annotations.name}: {LAYOUT}")


def _image_folders(directory: Path, annotations: Path) -> Iterator[Path]:
    name = annotations.stem.removeprefix("instances_")
    if annotations.parent != directory and annotations.name == "_annotations.coco.json":
        yield annotations.parent
    for folder in (name, name.rstrip("0123456789")):
        yield directory / folder
        yield directory / "images" / folder
    yield directory / "images"
    yield directory


def _has_files(folder: Path) -> bool:
    return any(path.is_file() and path.suffix != ".json" for path in folder.iterdir())


def _with_categories_of(train: CocoSplit, val: CocoSplit) -> CocoSplit:
    """The validation split with the training split's category indices; raises DataError if it has others."""
    ours = dict(zip(train.category_ids.tolist(), train.category_names, strict=True))
    for number, name in zip(val.category_ids.tolist(), val.category_names, strict=True):
        if ours.get(number) != name:
            known = f"there it is {ours[number]!r}" if number in ours else "there it is unknown"
            raise DataError(
                f"{val.annotations_file} has a category {number} {name!r} that is not in "
                f"{train.annotations_file}: {known}; both must name the same categories"
            )
    places = np.searchsorted(train.category_ids, val.category_ids).astype(np.int32)
    return replace(
        val,
        categories=places[val.categories],
        category_ids=train.category_ids,
        category_names=train.category_names,
    )
