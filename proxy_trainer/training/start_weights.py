"""The weights that a training starts from: fresh ones, those of a model directory, or a slice of shared weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy_trainer.data.coco_directory import find_splits
from search_space.architecture import Architecture
from search_space.cost import parameters
from search_space.detector_model import CLASS_PREDICTION, DetectorModel, Tensors, load_detector, weights_content
from search_space.errors import InvalidValueError
from search_space.parameters import initial_values
from search_space.proxy_task import ProxyTask, resolve
from search_space.task_model import is_task_model

FRESH, SHARED = "fresh", "shared"


@dataclass(frozen=True, eq=False)
class StartWeights:
    """Initial tensors by name, None for fresh ones from the seed, and where they are from, as JSON values."""

    tensors: Tensors | None
    origin: Mapping[str, Any]

    @property
    def note(self) -> str | None:
        """A sentence about tensors that are fresh nevertheless, if there are any."""
        fresh = self.origin.get("fresh_tensors")
        return fresh and f"the start weights are of other classes; fresh from the seed: {', '.join(fresh)}"


def start_model(start: str) -> DetectorModel | None:
    """The model directory that `start` names; None for the words `fresh` and `shared`.

    Raises InvalidValueError where there is none, or it is that of another task.
    """
    if start in (FRESH, SHARED):
        return None
    path = Path(start).expanduser()
    if not path.is_dir():
        raise InvalidValueError(
            f"start is {start!r}; it must be {FRESH}, {SHARED} or a model directory, which has config.json",
            field="start",
        )
    if is_task_model(path):
        raise InvalidValueError(
            f"start is {start!r}, a model that `effspine train --task` has made; a scale-permuted detector starts from "
            "one of its kind",
            field="start",
        )
    return load_detector(path)


def shared_profile(start: str, profile: str, data: Path) -> ProxyTask | None:
    """The profile whose shared weights a training starts from; None where it does not start from any.

    Raises InvalidValueError for a profile without shared weights, and for a data set without a validation split: the
    shared weights have learned from some of the images that such a training reserves.
    """
    if start != SHARED:
        return None
    task = resolve(profile)
    if task.kind != "shared":
        raise InvalidValueError(f"profile {profile} has no shared weights; name one of kind shared", field="profile")
    if task.reserve_from != "val" or find_splits(data)[1] is None:
        raise InvalidValueError(
            f"{data} has no validation split, so the shared weights have learned from images that this training would "
            "reserve to measure its AP; start from fresh weights, or add a validation split",
            field="start",
        )
    return task


def weights_of_model(
    model: DetectorModel, network: Architecture, class_names: Sequence[str], seed: int
) -> StartWeights:
    """The weights of a model for a network of these classes.

    Where the classes are not those of the model, in name or order, the class prediction layer is fresh from `seed`.
    Raises InvalidValueError where any other tensor has another shape.
    """
    known = model.specification.classes
    names = None if known is None else [each["name"] for each in known]
    same = names == list(class_names) if names is not None else model.architecture.class_slots == len(class_names)
    tensors, fresh = {}, []
    for parameter in parameters(network):
        found = model.tensors.get(parameter.name)
        if parameter.name.startswith(CLASS_PREDICTION) and not same:
            tensors[parameter.name] = initial_values([parameter], seed).reshape(parameter.shape)
            fresh.append(parameter.name)
        elif found is None or found.shape != parameter.shape:
            shape = None if found is None else found.shape
            raise InvalidValueError(
                f"the start weights have {parameter.name} with shape {shape}, the network to train {parameter.shape}; "
                "start from a model of the same widths and operations",
                field="start",
            )
        else:
            tensors[parameter.name] = found
    origin: dict[str, Any] = {"kind": "model", "sha256": hashlib.sha256(weights_content(model)).hexdigest()}
    return StartWeights(tensors, {**origin, "fresh_tensors": fresh} if fresh else origin)
