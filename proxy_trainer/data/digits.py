"""The embedded data set: real handwritten digits composed into a COCO-format detection folder.

The digits are the 1,797 of scikit-learn's `load_digits` (UCI "Optical Recognition of Handwritten Digits").
Those drawn in the training images are never drawn in the validation images.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from proxy_trainer.data.digits_parameters import DigitsParameters
from proxy_trainer.errors import DataError

MANIFEST = "effspine-digits.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DigitsFolder:
    """Where the data set is and what it holds; `created` is false where it was there already."""

    directory: Path
    parameters: DigitsParameters
    created: bool


def make_digits(
    directory: Path,
    *,
    train: int = 1000,
    val: int = 2000,
    seed: int = 0,
    categories: int = 1,
    image_px: int = 128,
    progress: Progress | None = None,
) -> DigitsFolder:
    """Writes DIR/train, DIR/val and DIR/annotations/instances_*.json; equal arguments give equal bytes.

    `image_px` is the usual long side; `categories` is 1 ("digit") or 10 ("0" to "9"); `progress` is called
    with (images done, images in all). The folder appears whole or not at all, and one that the same arguments
    made before is kept. Raises InvalidValueError for a bad argument and DataError where it cannot be written.
    """
    parameters = DigitsParameters(train, val, seed, categories, image_px)
    directory = directory.expanduser().absolute()
    partial = directory.parent / f".{directory.name}.{uuid4().hex[:12]}.partial"
    try:
        if _is_kept(directory, parameters):
            return DigitsFolder(directory, parameters, created=False)
        # Imported here: refusing an argument or keeping a folder should not wait for what draws.
        from proxy_trainer.data.digit_splits import write_splits

        partial.mkdir(parents=True)
        write_splits(partial, parameters, progress or (lambda done, total: None))
        (partial / MANIFEST).write_text(json.dumps(parameters.to_dict(), indent=2) + "\n")
        return DigitsFolder(directory, parameters, created=_put_in_place(partial, directory, parameters))
    except OSError as error:
        raise DataError(_write_failure(directory, error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_kept(directory: Path, parameters: DigitsParameters) -> bool:
    """Whether the data set is there; False where there is nothing; raises DataError for anything else."""
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
    if found != wanted:
        known = found if isinstance(found, dict) else {}
        differing = ", ".join(
            f"{name} {known.get(name)} instead of {value}" for name, value in wanted.items() if known.get(name) != value
        )
        raise DataError(f"{directory} holds another digits data set ({differing}); remove it or give another directory")
    for split in ("train", "val"):
        present = sum(1 for _ in (directory / split).glob("*.jpg"))
        if present != wanted[split]:
            raise DataError(
                f"{directory / split} holds {present} images instead of {wanted[split]}; "
                f"remove {directory} and make it anew"
            )
    return True


def _put_in_place(partial: Path, directory: Path, parameters: DigitsParameters) -> bool:
    """Renames the finished folder; False where another process finished the same data set first."""
    try:
        partial.rename(directory)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST) and _is_kept(directory, parameters):
            return False
        raise
    return True


def _write_failure(directory: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"cannot write the digits data set to {directory}: no space left on the disk"
    return f"cannot write the digits data set to {directory}: {error.strerror or error}"
