"""Data sets by name: a folder under the data directory, or a small file there that points to one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import uuid4

from proxy_trainer.data.coco_folder import find_splits
from proxy_trainer.errors import DataError
from search_space.dataset_name import check_dataset_name
from search_space.errors import InvalidValueError


def register_dataset(data_dir: Path, name: str, directory: Path) -> Path:
    """Makes `directory` known as `name`; returns the file written, DATA_DIR/datasets/NAME.json.

    Raises InvalidValueError for a bad name or one that means another folder already, and DataError where the
    folder is not a COCO data set or the file cannot be written.
    """
    check_dataset_name(name)
    directory = directory.expanduser().absolute()
    train, reserved = find_splits(directory)
    for files in (train, reserved):
        if files is not None:
            files.load()
    file = data_dir / "datasets" / f"{name}.json"
    taken = _known_folder(data_dir, name)
    if taken is None:
        _write(file, directory)
    elif taken.resolve() != directory.resolve():
        raise InvalidValueError(f"the name {name!r} is taken by {taken}; choose another", field="dataset")
    return file


def _known_folder(data_dir: Path, name: str) -> Path | None:
    """The folder that the name means already, or None; a folder that is gone frees its name."""
    folder, file = data_dir / "datasets" / name, data_dir / "datasets" / f"{name}.json"
    if folder.is_dir():
        return folder
    try:
        registered = Path(json.loads(file.read_text())["path"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file} is damaged; remove it and register {name!r} again") from None
    return registered if registered.is_dir() else None


def _write(file: Path, directory: Path) -> None:
    partial = file.with_name(f".{file.name}.{uuid4().hex[:12]}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps({"path": str(directory)}) + "\n")
        os.replace(partial, file)
    except OSError as error:
        raise DataError(f"cannot write {file}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)
