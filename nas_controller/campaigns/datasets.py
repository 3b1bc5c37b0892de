"""Data sets by name: `<data dir>/datasets/<name>/`, a COCO folder, or `<name>.json`, which says where one lies."""

from __future__ import annotations

import json
from pathlib import Path

from search_space.dataset_name import PATTERN, check_dataset_name
from search_space.errors import InvalidValueError


def dataset_names(data_dir: Path) -> list[str]:
    """The names of the data sets there are, sorted."""
    folder = data_dir / "datasets"
    if not folder.is_dir():
        return []
    found = {entry.name for entry in folder.iterdir() if entry.is_dir()}
    found |= {entry.stem for entry in folder.iterdir() if entry.suffix == ".json" and entry.is_file()}
    return sorted(name for name in found if PATTERN.fullmatch(name))


def dataset_path(data_dir: Path, name: str) -> Path:
    """The folder of the data set called `name`.

    Raises InvalidValueError (field `dataset`) for a name that no data set can have, for one that none has (it names
    those there are), and for a registration that cannot be read or whose folder is gone.
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
    folder = data_dir / "datasets" / name
    if folder.is_dir():
        return folder
    registration = folder.with_name(f"{name}.json")
    try:
        path = Path(json.loads(registration.read_text(encoding="utf-8"))["path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidValueError(
            f"data set '{name}': {registration} does not say where it lies ({error!r})",
            field="dataset",
            value=name,
        ) from error
    if not path.is_dir():
        raise InvalidValueError(f"data set '{name}': its folder {path} is gone", field="dataset", value=name)
    return path
