"""Data sets by name: a COCO directory `<data dir>/datasets/<name>/`, or `<name>.json` with the path of one."""

from __future__ import annotations

import json
from pathlib import Path

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
    """The directory of the data set `name`.

    Raises InvalidValueError (field `dataset`) for a name that is not allowed, for an unknown one (the message lists the
    known ones), and for a registration that cannot be read or whose directory does not exist.
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
    dataset_dir = data_dir / "datasets" / name
    if dataset_dir.is_dir():
        return dataset_dir
    registration = dataset_dir.with_name(f"{name}.json")
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
