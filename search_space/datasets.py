"""Data sets by name: a COCO directory `DATA_DIR/datasets/NAME`, or `NAME.json` beside it, which points elsewhere."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_space.atomic_file import write_atomically
from search_space.data_dir import VARIABLE, default_data_dir
from search_space.dataset_name import PATTERN, check_dataset_name
from search_space.errors import InvalidValueError


def dataset_names(data_dir: Path) -> list[str]:
    """The names of all data sets, sorted."""
    datasets_dir = data_dir / "datasets"
    if not datasets_dir.is_dir():
        return []
    found = {entry.name for entry in datasets_dir.iterdir() if entry.is_dir()}
    found |= {entry.stem for entry in datasets_dir.iterdir() if entry.suffix == ".json" and entry.is_file()}
    return sorted(name for name in found if PATTERN.fullmatch(name))


def in_data_dir(data_dir: Path, command: str) -> str:
    """A command of effspine as it has to be written to act on this data directory, whatever the shell has."""
    return command if data_dir == default_data_dir() else f"{VARIABLE}={shlex.quote(str(data_dir))} {command}"


def dataset_path(data_dir: Path, name: str) -> Path:
    """The directory of the data set called `name`.

    Raises InvalidValueError (field `dataset`) for an invalid name, for an unknown one (the message lists the known
    names), and for a registration that cannot be read or whose directory is gone.
    """
    check_dataset_name(name)
    if name not in dataset_names(data_dir):
        names = ", ".join(dataset_names(data_dir)) or "none yet"
        raise InvalidValueError(
            f"there is no data set '{name}' in {data_dir / 'datasets'}; there are: {names}. "
            f"Add it with `{in_data_dir(data_dir, f'effspine data register {name} DIR')}`",
            field="dataset",
            value=name,
        )
    own_dir = dataset_dir(data_dir, name)
    if own_dir.is_dir():
        return own_dir
    file = registration_file(data_dir, name)
    try:
        path = read_registration(file)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidValueError(
            f"data set '{name}': {file} does not name its directory ({error!r})", field="dataset", value=name
        ) from error
    if not path.is_dir():
        raise InvalidValueError(f"data set '{name}': its directory {path} is gone", field="dataset", value=name)
    return path


def dataset_dir(data_dir: Path, name: str) -> Path:
    """The directory of a data set inside the data directory; it need not exist."""
    return data_dir / "datasets" / name


def registration_file(data_dir: Path, name: str) -> Path:
    """The file that registers a data set outside the data directory; it need not exist."""
    return data_dir / "datasets" / f"{name}.json"


def read_registration(file: Path) -> Path:
    """The directory in a registration. Raises OSError, ValueError, KeyError or TypeError where it is unreadable."""
    return Path(json.loads(file.read_text(encoding="utf-8"))["path"])


def write_registration(file: Path, directory: Path) -> None:
    """Writes a registration of `directory`, atomically. Raises OSError where it cannot be written."""
    write_atomically(file, (json.dumps({"path": str(directory)}) + "\n").encode())


def report_file(data_dir: Path, name: str) -> Path:
    """The judgement of a registered data set; it need not exist."""
    return data_dir / "datasets" / f"{name}.report.json"


def preview_file(data_dir: Path, name: str) -> Path:
    """The PNG of a registered data set's images with their boxes; it need not exist."""
    return data_dir / "datasets" / f"{name}.preview.png"


def write_report(data_dir: Path, name: str, report: Mapping[str, Any]) -> None:
    """Writes what registration found, atomically. Raises OSError where it cannot be written."""
    write_atomically(report_file(data_dir, name), (json.dumps(report, indent=1) + "\n").encode())


def dataset_location(data_dir: Path, name: str) -> Path | None:
    """The directory of a data set, which may be gone; None where a registration does not name it."""
    own_dir = dataset_dir(data_dir, name)
    if own_dir.is_dir():
        return own_dir
    try:
        return read_registration(registration_file(data_dir, name))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def dataset_report(data_dir: Path, name: str) -> dict[str, Any] | None:
    """What registration found in the data set's present directory; None where it never did or the file is damaged."""
    try:
        report = json.loads(report_file(data_dir, name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    location = dataset_location(data_dir, name)
    if not isinstance(report, dict) or location is None or not isinstance(report.get("path"), str):
        return None
    return report if Path(report["path"]).absolute() == location.absolute() else None
