"""Finds the annotation files and images of a COCO directory, and loads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from proxy_trainer.data.coco import CocoSplit, load_split
from proxy_trainer.data.coco_layout import (
    LAYOUT,
    TRAIN,
    VAL,
    archive_hint,
    entries,
    images_directory,
    inner_hint,
    single_annotations,
    split_annotations,
)
from proxy_trainer.data.file_errors import file_error
from proxy_trainer.data.findings import brief, findings_of
from proxy_trainer.data.stratified_split import stratified_split
from proxy_trainer.errors import DataAwayError, DataError, EmptyReservedSetError, EmptySplitError
from search_space.display import counted
from search_space.proxy_task import ReserveFrom

TRAIN_IMAGES_PER_RESERVED = 5
"""At most one of this many training images is reserved."""


@dataclass(frozen=True)
class SplitFiles:
    """The files of one split: the directory of its images and its annotation file."""

    images: Path
    annotations: Path

    def load(self) -> CocoSplit:
        """The split. Raises DataError where its annotations cannot be used, DataAwayError where no image is there."""
        split = load_split(self.images, self.annotations)
        if not any(split.path(index).is_file() for index in range(len(split))):
            raise DataAwayError(
                f"none of the {len(split)} images of {self.annotations} is in {self.images}{archive_hint(self.images)}"
            )
        return split


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
        val = with_categories_of(train, _load_reserved(val_files))
        reserved = stratified_split(val, reserved_images, seed)[1] if reserved_images < len(val) else val
    else:
        limit = max(1, len(train) // TRAIN_IMAGES_PER_RESERVED)
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

    Opens no file. Raises DataError where more than one annotation file could be meant or the directory cannot be read,
    and DataAwayError where it is missing or has no annotation file or no images directory.
    """
    try:
        return _found_splits(directory)
    except OSError as error:
        raise file_error("the data set directory", directory, error) from None


def _found_splits(directory: Path) -> tuple[SplitFiles, SplitFiles | None]:
    content = entries(directory)
    train = _at_most_one(directory, "training", split_annotations(directory, TRAIN))
    if train is not None:
        val = _at_most_one(directory, "validation", split_annotations(directory, VAL))
        return _split_files(directory, train, TRAIN), None if val is None else _split_files(directory, val, VAL)
    single = _at_most_one(directory, "annotation", single_annotations(directory))
    if single is None:
        hint = archive_hint(directory) or inner_hint(directory) if content else "; it is empty"
        raise DataAwayError(f"{directory} has no COCO annotation file: {LAYOUT}{hint}")
    return _split_files(directory, single, None), None


def _at_most_one(directory: Path, which: str, found: list[Path]) -> Path | None:
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(directory)) for path in found)
        raise DataError(f"{directory} has more than one {which} file ({names}); keep only the right one")
    return found[0] if found else None


def _split_files(directory: Path, annotations: Path, split: str | None) -> SplitFiles:
    """The annotation file with the first usual images directory that exists."""
    images_dir = images_directory(directory, annotations, split)
    if images_dir is None:
        hint = archive_hint(directory)
        raise DataAwayError(f"{directory} has no images directory for {annotations.name}: {LAYOUT}{hint}")
    return SplitFiles(images_dir, annotations)


def with_categories_of(train: CocoSplit, val: CocoSplit) -> CocoSplit:
    """The validation split with the classes of the training split, by their names, which are unique in each.

    Raises DataError for a class that the training split does not have.
    """
    known = {name: position for position, name in enumerate(train.category_names)}
    others = [name for name in val.category_names if name not in known]
    if others:
        raise DataError(
            f"{val.annotations_file} has {counted(len(others), 'category')} not in {train.annotations_file}, such as "
            f"{brief(others[0])}; both must name the same categories"
        )
    indices = np.array([known[name] for name in val.category_names], np.int32)
    renumbered = [
        f"{brief(name)} is {number} and {train.category_ids[index]}"
        for number, name, index in zip(val.category_ids, val.category_names, indices.tolist(), strict=True)
        if number != train.category_ids[index]
    ]
    text = f"with another id than in {train.annotations_file.name}, matched by name"
    return replace(
        val,
        categories=indices[val.categories],
        category_ids=train.category_ids,
        category_names=train.category_names,
        findings=(
            *val.findings,
            *findings_of("category-ids-differ", renumbered, val.annotations_file.name, "category", text),
        ),
    )
