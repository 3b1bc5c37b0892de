"""The embedded data set: handwritten digits composed into a COCO detection data set.

The glyphs are the 1,797 digits of scikit-learn's `load_digits` (UCI "Optical Recognition of Handwritten Digits").
Training and validation images have no glyph in common.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proxy_trainer.data.digits_parameters import (
    OBJECT_PX,
    TRAIN_IMAGES,
    VAL_IMAGES,
    DigitsParameters,
    DigitsTask,
)
from proxy_trainer.errors import DataError, why_not_written
from search_space.atomic_file import fsync_directory, fsync_tree, partial_path

MANIFEST = "effspine-digits.json"


@dataclass(frozen=True)
class DigitsDirectory:
    """The directory and parameters of the data set; `created` is false where it existed before."""

    directory: Path
    parameters: DigitsParameters
    created: bool


def make_digits(
    directory: Path,
    *,
    train: int = TRAIN_IMAGES,
    val: int = VAL_IMAGES,
    seed: int = 0,
    categories: int = 1,
    image_px: int = 128,
    object_px: tuple[float, float] = OBJECT_PX,
    task: DigitsTask = "detection",
    progress: Callable[[int, int], None] | None = None,
) -> DigitsDirectory:
    """Writes DIR/train, DIR/val and DIR/annotations/instances_*.json; equal arguments give equal bytes.

    For the `task` classification it writes a directory per class, for segmentation the layout of Pascal VOC
    (`proxy_trainer.data.digit_tasks`).

    `image_px` is the long side in pixels of most images; `object_px` is the range of the digits' heights in images of
    128 pixels, and scales with `image_px`; `categories` is 1 ("digit") or 10 ("0" to "9"); `progress` is called with
    (images done, images in total). The directory is created atomically, and reused where equal arguments made it
    before. Raises InvalidValueError for an invalid argument and DataError where it cannot be written.
    """
    parameters = DigitsParameters(train, val, seed, categories, image_px, object_px, task=task)
    directory = directory.expanduser().absolute()
    partial = partial_path(directory)
    try:
        if _exists(directory, parameters):
            return DigitsDirectory(directory, parameters, created=False)
        # Imported late: an invalid argument or an existing data set should not wait for scikit-learn and SciPy.
        from proxy_trainer.data.digit_splits import write_splits
        from proxy_trainer.data.digit_tasks import write_folders, write_masks

        write = {"detection": write_splits, "classification": write_folders, "segmentation": write_masks}[task]
        partial.mkdir(parents=True)
        write(partial, parameters, progress or (lambda done, total: None))
        (partial / MANIFEST).write_text(json.dumps(parameters.to_dict(), indent=2) + "\n")
        fsync_tree(partial)
        return DigitsDirectory(directory, parameters, created=_rename_into_place(partial, directory, parameters))
    except OSError as error:
        raise DataError(_write_failure(directory, error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _exists(directory: Path, parameters: DigitsParameters) -> bool:
    """Whether the data set exists; False for an absent or empty directory. Raises DataError for any other content."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return False
    if not directory.is_dir():
        raise DataError(f"{directory} is a file; give a directory that does not exist yet")
    try:
        found = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError):
        raise DataError(
            f"{directory} holds other files; give a directory that is empty or does not exist yet"
        ) from None
    wanted = parameters.to_dict()
    # Data sets of earlier versions have no `object_px` and no `task`; theirs are the defaults.
    known = {"object_px": list(OBJECT_PX), "task": "detection", **found} if isinstance(found, dict) else {}
    if known != wanted:
        differing = ", ".join(
            f"{name} {known.get(name)} instead of {value}" for name, value in wanted.items() if known.get(name) != value
        )
        raise DataError(f"{directory} holds another digits data set ({differing}); remove it or give another directory")
    for split in ("train", "val"):
        present = sum(1 for _ in directory.glob(parameters.image_pattern(split)))
        if present != wanted[split]:
            raise DataError(
                f"{directory / split} holds {present} images instead of {wanted[split]}; "
                f"remove {directory} and make it again"
            )
    return True


def _rename_into_place(partial: Path, directory: Path, parameters: DigitsParameters) -> bool:
    """Renames the finished directory; False where another process finished the same data set first."""
    try:
        partial.rename(directory)
        fsync_directory(directory.parent)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and _exists(directory, parameters):
            return False
        raise
    return True


def _write_failure(directory: Path, error: OSError) -> str:
    return f"cannot write the digits data set to {directory}: {why_not_written(error)}"
