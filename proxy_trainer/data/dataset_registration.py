"""Registers a COCO directory as a data set that campaigns name (`effspine data register`)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from proxy_trainer.data.judgement import DatasetReport
from proxy_trainer.data.preview import registration_preview
from proxy_trainer.errors import DataError
from search_space.atomic_file import write_atomically
from search_space.dataset_name import check_dataset_name
from search_space.datasets import (
    dataset_dir,
    preview_file,
    read_registration,
    registration_file,
    write_registration,
    write_report,
)
from search_space.errors import InvalidValueError
from search_space.proxy_task import resolve


def check_free(data_dir: Path, name: str, directory: Path) -> None:
    """Raises InvalidValueError for an invalid name or one that another directory has."""
    check_dataset_name(name)
    current = _current_dir(data_dir, name)
    if current is not None and current.resolve() != directory.resolve():
        raise InvalidValueError(f"the name {name!r} is taken by {current}; choose another", field="dataset")


def register_dataset(data_dir: Path, name: str, report: DatasetReport) -> Path:
    """Registers the judged directory as `name`; returns the registration, DATA_DIR/datasets/NAME.json.

    Writes NAME.report.json and NAME.preview.png beside it. A directory inside the data directory has its name without a
    registration. Raises InvalidValueError as `check_free` does, and DataError where the data set is refused or a file
    cannot be written.
    """
    directory = Path(report.path)
    check_free(data_dir, name, directory)
    report.raise_if_refused()
    preview = registration_preview(report.loaded, resolve("laptop"))
    file = registration_file(data_dir, name)
    is_inside = dataset_dir(data_dir, name).is_dir()
    try:
        registered_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        write_report(data_dir, name, {"registered_at": registered_at, **report.to_dict()})
        write_atomically(preview_file(data_dir, name), preview)
        if not is_inside:
            write_registration(file, directory)
    except OSError as error:
        raise DataError(f"cannot write {file}: {error.strerror or error}") from error
    return dataset_dir(data_dir, name) if is_inside else file


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
