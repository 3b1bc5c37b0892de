"""A trained network of any task, and the directory it is kept in: `config.json` and `model.safetensors`.

The detectors of scale-permuted backbones have a directory of their own form (`search_space.detector_model`). The
weights are float32 tensors with the names and shapes of `TaskNetwork.parameters`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search_space.architecture import Architecture
from search_space.atomic_file import write_atomically
from search_space.detector import IMAGE_DEVIATION, IMAGE_MEAN, detector_document
from search_space.detector_model import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    Origin,
    Tensors,
    read_tensors,
    tensors_content,
    weights_section,
)
from search_space.errors import InvalidValueError
from search_space.task_network import Baseline, TaskNetwork, read_task_network

FORMAT, VERSION = "effspine.model", 1


@dataclass(frozen=True, eq=False)
class TaskModel:
    """A network of a task with its weights.

    `classes` has the `{id, name}` of each class of the data, in the order of the outputs. `anchor_size`, in strides,
    is that of detection and of instance segmentation. `training` is the recipe; `figures` are the metrics of these
    weights, 0 to 1; `provenance` has the data set, the digests of its two splits as `data`, and versions.
    """

    network: TaskNetwork
    name: str
    classes: list[dict[str, Any]]
    tensors: Tensors
    origin: Origin
    seed: int | None
    anchor_size: float | None = None
    training: dict[str, Any] | None = None
    figures: dict[str, float | None] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def architecture(self) -> Architecture | Baseline:
        """What the network is made of, with its image size and its number of class outputs."""
        return self.network.source

    @property
    def recipe(self) -> dict[str, Any]:
        """The fields of the recipe; empty where the training is unknown."""
        found: dict[str, Any] = (self.training or {}).get("recipe") or {}
        return found

    @property
    def crop_padding_px(self) -> int:
        """The border that the central crop for classification leaves out, at input size."""
        return int(self.recipe.get("crop_padding_px", 0))


def is_task_model(directory: Path) -> bool:
    """Whether the directory has a configuration of this format. Damaged ones are for `load_task_model` to refuse."""
    try:
        document = json.loads((directory / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(document, dict) and document.get("format") == FORMAT


def save_task_model(model: TaskModel, directory: Path) -> None:
    """Writes the two files into `directory`, which is made if it is missing. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    content = tensors_content(model.tensors)
    write_atomically(directory / WEIGHTS_FILE, content)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "name": model.name,
        "task": model.network.task,
        "input_px": model.network.source.input_px,
        "network": model.network.to_dict(),
        "classes": model.classes,
        "preprocessing": _preprocessing(model),
        "weights": weights_section(content, model.origin, model.seed),
        "training": model.training,
        "figures": model.figures,
        "provenance": model.provenance,
    }
    write_atomically(directory / CONFIG_FILE, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())


def load_task_model(directory: Path) -> TaskModel:
    """The model in a directory.

    Raises InvalidValueError where a file is missing or damaged, of another format or version, or the tensors are not
    those of the network.
    """
    path = directory / CONFIG_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidValueError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InvalidValueError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(document, dict) or (document.get("format"), document.get("version")) != (FORMAT, VERSION):
        raise InvalidValueError(f"{path} must be a document of format {FORMAT!r}, version {VERSION}")
    try:
        network = read_task_network(document["network"])
        if document["task"] != network.task:
            raise InvalidValueError(f"{path} is of task {document['task']!r}, and its network of {network.task!r}")
        weights = document["weights"]
        return TaskModel(
            network,
            document["name"],
            document["classes"],
            read_tensors(directory, weights, network.parameters()),
            weights["origin"],
            weights["seed"],
            document["preprocessing"].get("anchor_size"),
            document["training"],
            document["figures"],
            document.get("provenance", {}),
        )
    except InvalidValueError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidValueError(f"{path} is damaged: {error!r}") from error


def _preprocessing(model: TaskModel) -> dict[str, Any]:
    """What happens to a picture before the network, and the constants of the network that are not in its weights."""
    if model.network.task == "classification":
        resize = "bicubic, of the central square crop, to input_px"
        constants = {"mean": list(IMAGE_MEAN), "deviation": list(IMAGE_DEVIATION)}
        return {"resize": resize, "crop_padding_px": model.crop_padding_px, **constants}
    shared: dict[str, Any] = detector_document(1.0)["preprocessing"]
    return shared if model.anchor_size is None else {**shared, "anchor_size": model.anchor_size}
