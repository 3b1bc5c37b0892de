"""Finds the annotation files and images of a COCO directory, and loads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.stratified_split import stratified_split
from proxy_trainer.errors import DataError, EmptyReservedSetError, EmptySplitError
from search_space.proxy_task import ReserveFrom

_TRAIN, _VAL = ("train",), ("val", "valid", "validation")
_TRAIN_IMAGES_PER_RESERVED = 5
"""At most one of this many training images is reserved."""

_LAYOUT = (
    "expected annotations/instances_train*.json and annotations/instances_val*.json beside the directories "
    "of their images, or one annotations.json beside images/"
)


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split: the directory of its images and its annotation file."""

    images: Path
    annotations: Path

    def load(self) -> CocoSplit:
        """The split. Raises DataError where its annotations cannot be used."""
        return load_split(self.images, self.annotations)


def load_dataset(
    directory: Path, *, reserved_images: int, reserve_from: ReserveFrom, seed: int
) -> tuple[CocoSplit, CocoSplit]:
    """The training split and the reserved split of a COCO directory; they share categories, but no image.

    With `reserve_from` "train", or without a validation split, the reserved images are drawn from the training images,
    at most one in five; the paper reserves 7,392 of train2017 (section 5.1.1) and keeps the validation split unseen.
    With "val" they are at most `reserved_images` images of the validation split. `seed` decides which. Raises
    DataError for a directory that cannot be used, EmptySplitError without training images or without a box to learn
    from, and EmptyReservedSetError without images to reserve or without a box to score against.
    """
    train_files, val_files = find_splits(directory)
    train = train_files.load()
    if reserve_from == "val" and val_files is not None:
        val = _with_categories_of(train, _load_reserved(val_files))
        reserved = stratified_split(val, reserved_images, seed)[1] if reserved_images < len(val) else val
    else:
        limit = max(1, len(train) // _TRAIN_IMAGES_PER_RESERVED)
        if len(train) < 2:
            raise EmptyReservedSetError(f"{train.annotations_file} has one image; reserving some for rewards needs two")
        train, reserved = stratified_split(train, min(reserved_images, limit), seed)
    if not len(train.training_boxes.images):
        raise EmptySplitError(f"the training images of {train.annotations_file} have no box to learn from")
    if reserved.crowd.all():
        raise EmptyReservedSetError(f"the reserved images of {reserved.annotations_file} have no box to score against")
    return train, reserved


def _load_reserved(files: SplitFiles) -> CocoSplit:
    """The split that rewards are measured on. Raises EmptyReservedSetError where it lists no image."""
    try:
        return files.load()
    except EmptySplitError as error:
        raise EmptyReservedSetError(f"there are no images to reserve for rewards: {error}") from error


def find_splits(directory: Path) -> tuple[SplitFiles, SplitFiles | None]:
    """The files of the training and of the validation split (None where there is one annotation file only).

    Opens no file. Raises DataError where no annotation file is found, or several match.
    """
    if not directory.is_dir():
        raise DataError(f"there is no data set directory {directory}")
    train = _at_most_one(directory, "training", _split_annotations(directory, _TRAIN))
    if train is not None:
        val = _at_most_one(directory, "validation", _split_annotations(directory, _VAL))
        return _split_files(directory, train), None if val is None else _split_files(directory, val)
    single = _at_most_one(directory, "annotation", _single_annotations(directory))
    if single is None:
        raise DataError(f"{directory} has no COCO annotation file: {_LAYOUT}")
    return _split_files(directory, single), None


def _split_annotations(directory: Path, names: tuple[str, ...]) -> list[Path]:
    """The annotation files of one split, under the first naming convention that matches any."""
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


def _at_most_one(directory: Path, which: str, found: list[Path]) -> Path | None:
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(directory)) for path in found)
        raise DataError(f"{directory} has more than one {which} file ({names}); keep only the right one")
    return found[0] if found else None


def _split_files(directory: Path, annotations: Path) -> SplitFiles:
    """The annotation file and the first common images directory that exists."""
    for images_dir in _common_image_dirs(directory, annotations):
        if images_dir.is_dir() and (images_dir != directory or _has_files(images_dir)):
            return SplitFiles(images_dir, annotations)
    raise DataError(f"{directory} has no images directory for {annotations.name}: {_LAYOUT}")


def _common_image_dirs(directory: Path, annotations: Path) -> Iterator[Path]:
    name = annotations.stem.removeprefix("instances_")
    if annotations.parent != directory and annotations.name == "_annotations.coco.json":
        yield annotations.parent
    for images_name in (name, name.rstrip("0123456789")):
        yield directory / images_name
        yield directory / "images" / images_name
    yield directory / "images"
    yield directory


def _has_files(directory: Path) -> bool:
    return any(path.is_file() and path.suffix != ".json" for path in directory.iterdir())


def _with_categories_of(train: CocoSplit, val: CocoSplit) -> CocoSplit:
    """The validation split with the category indices of the training split. Raises DataError for another category."""
    known = dict(zip(train.category_ids.tolist(), train.category_names, strict=True))
    for number, name in zip(val.category_ids.tolist(), val.category_names, strict=True):
        if known.get(number) != name:
            difference = f"there it is {known[number]!r}" if number in known else "there it is unknown"
            raise DataError(
                f"{val.annotations_file} has a category {number} {name!r} that is not in "
                f"{train.annotations_file}: {difference}; both must name the same categories"
            )
    indices = np.searchsorted(train.category_ids, val.category_ids).astype(np.int32)
    return replace(
        val,
        categories=indices[val.categories],
        category_ids=train.category_ids,
        category_names=train.category_names,
    )
