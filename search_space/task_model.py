"""A trained network of any task, and the directory it is kept in: `config.json` and `model.safetensors`.

The detectors of scale-permuted backbones have a directory of their own form (`search_space.detector_model`). The
weights are float32 tensors with the names and shapes of `TaskNetwork.parameters`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from search_space.task_network import TaskNetwork, read_task_network

FORMAT, VERSION = "effspine.model", 1


@dataclass(frozen=True, eq=False)
class TaskModel:
    """A network of a task with its weights.

    `classes` has the `{id, name}` of each class of the data, in the order of the outputs. `anchor_size`, in strides,
    is that of detection and of instance segmentation. `training` is the recipe; `figures` are the metrics of these
    weights, 0 to 1.
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
        )
    except (KeyError, TypeError) as error:
        raise InvalidValueError(f"{path} is damaged: {error!r}") from error


def _preprocessing(model: TaskModel) -> dict[str, Any]:
    """What happens to a picture before the network, and the constants of the network that are not in its weights."""
    if model.network.task == "classification":
        resize = "bicubic, of the central square crop, to input_px"
        return {"resize": resize, "mean": list(IMAGE_MEAN), "deviation": list(IMAGE_DEVIATION)}
    shared: dict[str, Any] = detector_document(1.0)["preprocessing"]
    return shared if model.anchor_size is None else {**shared, "anchor_size": model.anchor_size}
