"""Data sets by name: a COCO directory `DATA_DIR/datasets/NAME`, or `NAME.json` beside it, which points elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from search_space.atomic_file import write_atomically
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
            f"Add it with `effspine data register {name} DIR`",
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
