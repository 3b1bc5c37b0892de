"""Whether campaigns can use a data set, and what is unusual about it: one judgement for all commands."""

from __future__ import annotations

import hashlib
import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from proxy_trainer.data.box_checks import box_warnings
from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import (
    TRAIN_IMAGES_PER_RESERVED,
    SplitFiles,
    find_splits,
    with_categories_of,
)
from proxy_trainer.data.findings import Finding, findings_of
from proxy_trainer.data.image_checks import ImageChecks, OnProgress, check_images, image_refusals, image_warnings
from proxy_trainer.data.inspection import inspect_split
from proxy_trainer.errors import DataError
from search_space.proxy_task import ProxyTask, resolve

TRAIN, VAL = "train", "val"
_LAPTOP = resolve("laptop")


def _after(before: int, total: int, progress: OnProgress) -> OnProgress:
    """Adds the images of earlier splits to those that are done."""
    return lambda done, _: progress(before + done, total)


def _no_progress(done: int, total: int) -> None:
    """Shows nothing."""


@dataclass(frozen=True)
class DatasetReport:
    """What a data set holds, as `effspine data inspect` and `register` state it.

    `splits` are documents by split, "train" and "val", with the fields of `inspect_split`; `warnings` were accepted,
    while any of `refusals` keeps campaigns from using the data set. `loaded` are the splits that could be read, and
    `checks` what is known of their images.
    """

    path: str
    splits: dict[str, dict[str, Any]]
    warnings: tuple[Finding, ...]
    refusals: tuple[Finding, ...]
    loaded: Mapping[str, CocoSplit] = field(default_factory=dict, repr=False, compare=False)
    checks: Mapping[str, ImageChecks] = field(default_factory=dict, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "path": self.path,
            "splits": self.splits,
            "warnings": [each.to_dict() for each in self.warnings],
            "refusals": [each.to_dict() for each in self.refusals],
        }

    def raise_if_refused(self) -> None:
        """Raises DataError with all refusals in one line, if there are any."""
        if self.refusals:
            raise DataError("; also: ".join(each.message for each in self.refusals))


def judge_dataset(
    directory: Path, task: ProxyTask = _LAPTOP, *, every_image: bool = False, progress: OnProgress = _no_progress
) -> DatasetReport:
    """Judges a COCO directory; the levels of boxes are those of the proxy task.

    Reads the header of every image and decodes some of them, or every one with `every_image`. Raises nothing for a
    data set that cannot be used: that is in `refusals`. `progress` is called with (images done, images in total).
    """
    directory = directory.expanduser().absolute()
    try:
        train, val = find_splits(directory)
    except DataError as error:
        return DatasetReport(str(directory), {}, (), (_refusal(error),))
    files = {TRAIN: train} if val is None else {TRAIN: train, VAL: val}
    return judge_files(directory, files, task, every_image=every_image, progress=progress, is_whole=True)


def judge_files(
    path: Path,
    files: Mapping[str, SplitFiles],
    task: ProxyTask = _LAPTOP,
    *,
    every_image: bool = False,
    progress: OnProgress = _no_progress,
    is_whole: bool = False,
) -> DatasetReport:
    """`judge_dataset` of given files; `is_whole` where they are all of a data set and must be enough for a campaign."""
    loaded, refusals = _loaded(files)
    warnings: list[Finding] = []
    splits, checks = {}, {}
    total = sum(len(split) for split in loaded.values())
    before = 0
    directory = shlex.quote(str(path)) if is_whole else "DIR"
    remedy = f"`effspine data fix {directory} --out DIR2` writes the data set without them"
    for name, split in loaded.items():
        found = check_images(split, _after(before, total, progress), every=every_image)
        before += len(split)
        splits[name] = _split_document(split, found, task)
        checks[name] = found
        warnings += [*split.findings, *image_warnings(split, found)]
        warnings += box_warnings(split, task)
        refusals += [*image_refusals(split, found, remedy), *_no_box(split)]
    if is_whole and not refusals:
        refusals += _single_image(loaded)
        warnings += _too_few_boxes(loaded, task)
    if TRAIN in loaded and VAL in loaded:
        warnings += _images_in_both(loaded[TRAIN], loaded[VAL])
    return DatasetReport(str(path), splits, tuple(warnings), tuple(refusals), loaded, checks)


def _refusal(error: DataError) -> Finding:
    return Finding(error.kind, 1, str(error))


def _loaded(files: Mapping[str, SplitFiles]) -> tuple[dict[str, CocoSplit], list[Finding]]:
    loaded, refusals = {}, []
    for name, split_files in files.items():
        try:
            loaded[name] = split_files.load()
        except DataError as error:
            refusals.append(_refusal(error))
    if TRAIN in loaded and VAL in loaded:
        try:
            loaded[VAL] = with_categories_of(loaded[TRAIN], loaded[VAL])
        except DataError as error:
            refusals.append(_refusal(error))
    return loaded, refusals


def _split_document(split: CocoSplit, found: ImageChecks, task: ProxyTask) -> dict[str, Any]:
    missing = [str(split.path(index)) for index, fault in found.faults.items() if fault.kind == "image-missing"]
    return {
        "images_dir": str(split.images_dir),
        "annotations": str(split.annotations_file),
        "annotations_sha256": split.annotations_sha256,
        **inspect_split(split, task),
        "images_decoded": found.decoded,
        "missing_images": missing,
        "unreadable_images": [
            {"path": str(split.path(index)), "error": fault.message}
            for index, fault in found.faults.items()
            if fault.kind != "image-missing"
        ],
    }


def _no_box(split: CocoSplit) -> list[Finding]:
    if len(split.training_boxes.images):
        return []
    crowds = " that is no crowd and has an area inside its image" if len(split.boxes) else ""
    return [
        Finding(
            "empty-split",
            1,
            f"{split.annotations_file} has no box{crowds}, so there is nothing to learn or to score against",
        )
    ]


def _single_image(loaded: Mapping[str, CocoSplit]) -> list[Finding]:
    train = loaded[TRAIN]
    if VAL in loaded or len(train) > 1:
        return []
    message = f"{train.annotations_file} has one image; reserving some for rewards needs two"
    return [Finding("empty-reserved-set", 1, message)]


def _too_few_boxes(loaded: Mapping[str, CocoSplit], task: ProxyTask) -> list[Finding]:
    """Where a stratified split may leave no image with boxes on one of its sides."""
    split = loaded.get(VAL, loaded[TRAIN])
    most = len(split) if VAL in loaded else max(1, len(split) // TRAIN_IMAGES_PER_RESERVED)
    reserved = min(task.reserved_images, most)
    with_boxes = len(np.unique(split.training_boxes.images))
    is_enough = with_boxes * reserved >= len(split) and (VAL in loaded or with_boxes > 1)
    if reserved == len(split) or is_enough:
        return []
    message = (
        f"{split.annotations_file.name}: only {with_boxes} of {len(split)} images have boxes; a campaign that reserves "
        f"{reserved} of them for rewards may find none to learn from or to score against, and stop"
    )
    return [Finding("too-few-boxes", with_boxes, message)]


def _images_in_both(train: CocoSplit, val: CocoSplit) -> list[Finding]:
    """Validation images whose files have the content of a training image's; only files of one size are compared."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for index in range(len(train)):
        if (size := _file_size(train.path(index))) is not None:
            sizes[size].append(index)
    digests: dict[int, dict[bytes, int]] = {}
    found = []
    for index in range(len(val)):
        size = _file_size(val.path(index))
        if size is None or size not in sizes:
            continue
        if size not in digests:
            digests[size] = {
                digest: each for each in reversed(sizes[size]) if (digest := _digest(train.path(each))) is not None
            }
        same = digests[size].get(_digest(val.path(index)) or b"")
        if same is not None:
            found.append(f"{val.file_names[index]} is {train.file_names[same]}")
    return findings_of(
        "val-in-train",
        found,
        val.annotations_file.name,
        "image",
        f"of {len(val)} with the content of a training image; a reward on it measures what was memorised",
    )


def _file_size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None
