"""Registers a COCO directory as a data set that campaigns name (`effspine data register`)."""

from __future__ import annotations

from pathlib import Path

from proxy_trainer.data.coco_directory import find_splits
from proxy_trainer.errors import DataError
from search_space.dataset_name import check_dataset_name
from search_space.datasets import dataset_dir, read_registration, registration_file, write_registration
from search_space.errors import InvalidValueError


def register_dataset(data_dir: Path, name: str, directory: Path) -> Path:
    """Registers `directory` as `name`; returns the file written, DATA_DIR/datasets/NAME.json.

    Raises InvalidValueError for an invalid name or one that another directory has, and DataError where the directory is
    no COCO data set or the file cannot be written.
    """
    check_dataset_name(name)
    directory = directory.expanduser().absolute()
    for files in find_splits(directory):
        if files is not None:
            files.load()  # raises DataError for annotations that cannot be used
    file = registration_file(data_dir, name)
    current = _current_dir(data_dir, name)
    if current is None:
        try:
            write_registration(file, directory)
        except OSError as error:
            raise DataError(f"cannot write {file}: {error.strerror or error}") from error
    elif current.resolve() != directory.resolve():
        raise InvalidValueError(f"the name {name!r} is taken by {current}; choose another", field="dataset")
    return file


def _current_dir(data_dir: Path, name: str) -> Path | None:
    """The directory that has the name already, or None; a registration whose directory is gone can be replaced."""
    own_dir, file = dataset_dir(data_dir, name), registration_file(data_dir, name)
    if own_dir.is_dir():
        return own_dir
    try:
        registered = read_registration(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file} is damaged; remove it and register {name!r} again") from None
    return registered if registered.is_dir() else None
