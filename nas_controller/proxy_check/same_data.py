"""Whether the results of a check were measured on the same data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nas_controller.search.data_difference import data_difference
from search_space.errors import InvalidValueError

if TYPE_CHECKING:
    from nas_controller.proxy_check.results import Result

Selection = tuple[str | None, int, Any, Any]
"""What selects the images of a training: data set, seed, and the task's `reserve_from` and `reserved_images`."""


def selection(dataset: str | None, seed: int, task: Mapping[str, Any]) -> Selection:
    """The selection of a training with this data set, seed and task."""
    return dataset, seed, task.get("reserve_from"), task.get("reserved_images")


def data_by_selection(results: Iterable[Result]) -> dict[Selection, Mapping[str, Any]]:
    """The identity of the data that each selection gave; results without one or without a
    reward are left out.

    Raises InvalidValueError (field `out`) where two results with the same selection were measured on different data.
    """
    found: dict[Selection, Mapping[str, Any]] = {}
    for result in results:
        if result.data is None or result.reward is None:
            continue
        known = found.setdefault(selection(result.dataset, result.seed, result.task), result.data)
        if known["sha256"] != result.data["sha256"]:
            raise InvalidValueError(
                f"the data set {result.dataset} changed between the results of seed {result.seed}: "
                f"{data_difference(known, result.data)}; begin anew with another --out",
                field="out",
            )
    return found
