"""Writes a data set as TFRecords for TensorFlow's Model Garden (`effspine data to-tfrecord`)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import tensorflow as tf

from proxy_trainer.data.coco_directory import find_splits, with_categories_of
from proxy_trainer.data.image_folder import load_image_folder
from proxy_trainer.data.instance_masks import load_instance_masks
from proxy_trainer.data.tf_examples import (
    BACKGROUND_LABELS,
    ClassificationExamples,
    DetectionExamples,
    Examples,
    SegmentationExamples,
)
from proxy_trainer.data.voc_segmentation import load_voc_segmentation
from proxy_trainer.errors import DataError, write_error
from search_space.atomic_file import fsync_tree, partial_path
from search_space.errors import InvalidValueError

RecordTask = Literal["detection", "instance-segmentation", "classification", "semantic-segmentation"]
TASKS: tuple[RecordTask, ...] = get_args(RecordTask)

MOST_SHARDS = 10_000
REPORT_FILE = "dataset.json"

_AT_ONCE = 64
"""Pictures that are encoded before they are written."""

OnProgress = Callable[[int, int], None]
Loaded = tuple[dict[str, Examples], list[dict[str, Any]]]


def write_tfrecords(directory: Path, out: Path, task: RecordTask, shards: int, progress: OnProgress) -> dict[str, Any]:
    """Writes the splits of a data set to `out` as `SPLIT-NNNNN-of-NNNNN.tfrecord`, and what they hold as dataset.json.

    Each split has at most `shards` files and no empty one; pictures take turns. `progress` is called with (pictures
    done, pictures in total). The result is the content of dataset.json: images, objects and files by split, and the
    label of each class. `out` is made atomically. Raises InvalidValueError for an unknown task or a number of shards
    out of range, and DataError where the data set or a picture cannot be used, or `out` exists and is not empty.
    """
    if task not in TASKS:
        raise InvalidValueError(f"task is {task!r}; it must be one of {', '.join(TASKS)}", field="task")
    if not 1 <= shards <= MOST_SHARDS:
        raise InvalidValueError(f"shards is {shards}; it must be from 1 to {MOST_SHARDS:,}", field="shards")
    directory, out = directory.expanduser().absolute(), out.expanduser().absolute()
    with _made_atomically(out) as made:
        splits, classes = _LOADERS[task](directory)
        total, done = sum(map(len, splits.values())), 0
        report: dict[str, Any] = {"task": task, "splits": {}, "classes": classes}
        for name, examples in splits.items():
            report["splits"][name] = _write_split(made, name, examples, shards, partial(_report, progress, done, total))
            done += len(examples)
        (made / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


@contextmanager
def _made_atomically(out: Path) -> Iterator[Path]:
    """A directory that becomes `out` if the block succeeds."""
    hidden = partial_path(out)
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DataError(f"{out} exists; give a directory that is empty or does not exist yet")
        hidden.mkdir(parents=True)
        yield hidden
        fsync_tree(hidden)
        if out.exists():
            out.rmdir()  # empty, as checked
        hidden.rename(out)
    except OSError as error:
        raise write_error(f"the records {out}", error) from error
    except tf.errors.OpError as error:
        raise DataError(f"cannot write the records {out}: {error.message}") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _write_split(
    directory: Path, name: str, examples: Examples, shards: int, progress: Callable[[int], None]
) -> dict[str, Any]:
    shards = min(shards, len(examples))
    files = [f"{name}-{shard:05d}-of-{shards:05d}.tfrecord" for shard in range(shards)]
    objects = 0
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        writers = [stack.enter_context(tf.io.TFRecordWriter(str(directory / file))) for file in files]
        for start in range(0, len(examples), _AT_ONCE):
            indices = range(start, min(start + _AT_ONCE, len(examples)))
            for index, (example, found) in zip(indices, pool.map(examples.example, indices), strict=True):
                writers[index % shards].write(example)
                objects += found
            progress(indices.stop)
    return {"images": len(examples), "objects": objects, "files": files}


def _report(progress: OnProgress, before: int, total: int, count: int) -> None:
    progress(before + count, total)


def _detection(directory: Path) -> Loaded:
    return _coco(directory, with_masks=False)


def _instance_segmentation(directory: Path) -> Loaded:
    return _coco(directory, with_masks=True)


def _coco(directory: Path, *, with_masks: bool) -> Loaded:
    train_files, val_files = find_splits(directory)
    train = train_files.load()
    splits = {"train": train}
    if val_files is not None:
        splits["val"] = with_categories_of(train, val_files.load())
    examples: dict[str, Examples] = {
        name: DetectionExamples(split, load_instance_masks(split) if with_masks else None)
        for name, split in splits.items()
    }
    classes = [
        {"label": index + BACKGROUND_LABELS, "id": identifier, "name": name}
        for index, (identifier, name) in enumerate(zip(train.category_ids, train.category_names, strict=True))
    ]
    return examples, classes


def _classification(directory: Path) -> Loaded:
    folder = load_image_folder(directory)
    examples: dict[str, Examples] = {
        "train": ClassificationExamples(folder.train),
        "val": ClassificationExamples(folder.val),
    }
    return examples, _named(folder.classes)


def _semantic_segmentation(directory: Path) -> Loaded:
    found = load_voc_segmentation(directory)
    examples: dict[str, Examples] = {
        "train": SegmentationExamples(found.train, len(found.classes)),
        "val": SegmentationExamples(found.val, len(found.classes)),
    }
    return examples, _named(found.classes)


def _named(names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"label": label, "name": name} for label, name in enumerate(names)]


_LOADERS: dict[RecordTask, Callable[[Path], Loaded]] = {
    "detection": _detection,
    "instance-segmentation": _instance_segmentation,
    "classification": _classification,
    "semantic-segmentation": _semantic_segmentation,
}
