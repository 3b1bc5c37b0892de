"""A detector with its weights, and the directory it is kept in: `config.json` and `model.safetensors`.

The configuration is a block specification (`search_space.document`). The weights are float32 tensors with the names and
shapes of `search_space.cost.parameters`, running statistics of batch normalisation included; kernels are
`[height, width, in, out]`, depthwise ones `[height, width, channels, 1]`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from search_space.architecture import Architecture
from search_space.atomic_file import write_atomically
from search_space.cost import parameters
from search_space.document import BlockSpecification, block_specification, load_block_specification
from search_space.errors import InvalidValueError
from search_space.parameters import Parameter, initial_values

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

Origin = Literal["trained", "shared", "initial"]
"""Where weights come from: trained alone; a slice of shared weights; or initial values of a seed."""

CLASS_PREDICTION = "class/predict/pointwise/"
"""The tensors of a detector whose channels are classes."""

Tensors = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class DetectorModel:
    """A detector: its specification, and the tensors of its network by parameter name."""

    specification: BlockSpecification
    tensors: Tensors
    origin: Origin
    seed: int | None

    @property
    def architecture(self) -> Architecture:
        """The network itself, of the widths that it has."""
        return self.specification.architecture


def initial_model(specification: BlockSpecification, seed: int = 0) -> DetectorModel:
    """The detector with the initial weights of `seed`. What the specification says of a training is not of them."""
    untrained = replace(specification, weights=None, training=None, figures=None)
    return DetectorModel(untrained, _split(specification.architecture, seed), "initial", seed)


def save_detector(model: DetectorModel, directory: Path) -> None:
    """Writes the two files into `directory`, which is made if it is missing. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    content = weights_content(model)
    write_atomically(directory / WEIGHTS_FILE, content)
    document = block_specification(with_weights(model, content))
    write_atomically(directory / CONFIG_FILE, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())


def weights_content(model: DetectorModel) -> bytes:
    """The content of the weights file."""
    return tensors_content(model.tensors)


def tensors_content(tensors: Tensors) -> bytes:
    """The content of a weights file with these tensors."""
    return save({name: np.ascontiguousarray(values, np.float32) for name, values in tensors.items()})


def with_weights(model: DetectorModel, content: bytes) -> BlockSpecification:
    """The specification with the section `weights` for a weights file of this content."""
    return replace(model.specification, weights=weights_section(content, model.origin, model.seed))


def weights_section(content: bytes, origin: Origin, seed: int | None, file: str = WEIGHTS_FILE) -> dict[str, Any]:
    """The section `weights` of a configuration for a weights file of this content."""
    return {"file": file, "sha256": hashlib.sha256(content).hexdigest(), "origin": origin, "seed": seed}


def load_detector(directory: Path) -> DetectorModel:
    """The detector in a directory.

    Raises InvalidValueError where a file is missing or damaged, or the tensors are not those of the architecture.
    """
    specification = load_block_specification(directory / CONFIG_FILE)
    if specification.weights is None:
        raise InvalidValueError(f"{directory / CONFIG_FILE} has no weights", field="weights")
    tensors = read_tensors(directory, specification.weights, parameters(specification.architecture))
    return DetectorModel(specification, tensors, specification.weights["origin"], specification.weights["seed"])


def read_tensors(directory: Path, weights: Mapping[str, Any], network: Sequence[Parameter]) -> Tensors:
    """The tensors of a network in the weights file of a directory, given the section `weights` of its configuration.

    Raises InvalidValueError where the file is missing or damaged, or the tensors are not those of the network.
    """
    path = directory / Path(weights["file"]).name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidValueError(f"{path} cannot be read: {error.strerror}", field="weights") from error
    if hashlib.sha256(content).hexdigest() != weights["sha256"]:
        raise InvalidValueError(f"{path} is not the file that {CONFIG_FILE} describes: its SHA-256 differs")
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise InvalidValueError(f"{path} is not a safetensors file: {error}", field="weights") from error
    _check_shapes(network, tensors, path)
    return tensors


def _check_shapes(network: Sequence[Parameter], tensors: Tensors, path: Path) -> None:
    wanted = {parameter.name: parameter.shape for parameter in network}
    found = {name: values.shape for name, values in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if found.get(name) != wanted.get(name):
            raise InvalidValueError(
                f"{path}: the tensor {name} has shape {found.get(name)}; this architecture has {wanted.get(name)}",
                field="weights",
            )


def _split(architecture: Architecture, seed: int) -> Tensors:
    return {p.name: initial_values([p], seed).reshape(p.shape) for p in parameters(architecture)}
