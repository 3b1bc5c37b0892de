"""The split of a data set whose files are in one directory per class or in the layout of Pascal VOC."""

from __future__ import annotations

from typing import Any, TypeVar

from search_space.errors import InvalidValueError
from search_space.task_model import TaskModel

S = TypeVar("S")


def folder_split(name: str, train: S, val: S) -> S:
    """The split of this name. Raises InvalidValueError for another one than `train` and `val`."""
    splits = {"val": val, "train": train}
    if name not in splits:
        raise InvalidValueError(f"split is {name!r}; for this task it must be val or train", field="split")
    return splits[name]


def is_held_out(model: TaskModel, found: dict[str, Any]) -> bool | None:
    """Whether a split (`files_identity`) is the one that the figures in the model are of; None without figures."""
    data = model.provenance.get("data")
    return None if data is None or model.figures is None else bool(data["reserved"] == found)
