"""The layout of the data that each task reads, and what a directory has instead."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from proxy_trainer.data.coco_directory import find_splits
from proxy_trainer.errors import DataError
from search_space.catalogue import Task
from search_space.errors import InvalidValueError

COCO, FOLDERS, VOC = (
    "the layout of COCO (annotation files and pictures)",
    "the layout of ImageNet (train/CLASS/*.jpg and val/CLASS/*.jpg)",
    "the layout of Pascal VOC (JPEGImages, SegmentationClass and ImageSets/Segmentation)",
)
LAYOUTS: dict[Task, str] = {
    "detection": COCO,
    "instance-segmentation": COCO,
    "classification": FOLDERS,
    "semantic-segmentation": VOC,
}


def check_layout(directory: Path, task: Task) -> None:
    """Raises InvalidValueError where a directory has data of another task and none of this one.

    What has no known layout is left to the reader of the task's data, which knows more about it.
    """
    found, wanted = _layouts(directory), LAYOUTS[task]
    if found and wanted not in found:
        raise InvalidValueError(f"{directory} has {found[0]}; {task} reads {wanted}", field="data")


def _layouts(directory: Path) -> list[str]:
    found = []
    if (directory / "ImageSets" / "Segmentation").is_dir():
        found.append(VOC)
    annotations: Path | None = None
    with suppress(DataError):
        annotations = find_splits(directory)[0].annotations
    # A lone JSON file among the directories of Pascal VOC, such as the one of the digits, is no annotation file.
    if annotations is not None and not (VOC in found and annotations.parent == directory):
        found.append(COCO)
    train = directory / "train"
    if COCO not in found and train.is_dir() and any(entry.is_dir() for entry in train.iterdir()):
        found.append(FOLDERS)
    return found
