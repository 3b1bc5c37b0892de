"""Reads an exported folder back, also one that its `train.py` has written."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load

from exporters.pytorch.layout import from_torch, torch_name
from search_space.cost import parameters
from search_space.detector_model import CONFIG_FILE, WEIGHTS_FILE, DetectorModel
from search_space.document import load_block_specification
from search_space.errors import InvalidValueError
from search_space.parameters import Parameter


def read(directory: Path) -> DetectorModel:
    """The detector in the folder.

    Raises InvalidValueError where a file is missing or damaged, or the tensors are not those of the architecture.
    """
    specification = load_block_specification(directory / CONFIG_FILE)
    path = directory / WEIGHTS_FILE
    if specification.weights is None:
        raise InvalidValueError(f"{directory / CONFIG_FILE} has no weights", field="weights")
    try:
        content = path.read_bytes()
        state = load(content)
    except OSError as error:
        raise InvalidValueError(f"{path} cannot be read: {error.strerror}", field="weights") from error
    except SafetensorError as error:
        raise InvalidValueError(f"{path} is not a safetensors file: {error}", field="weights") from error
    if hashlib.sha256(content).hexdigest() != specification.weights["sha256"]:
        raise InvalidValueError(f"{path} is not the file that {CONFIG_FILE} describes: its SHA-256 differs")
    network = parameters(specification.architecture)
    try:
        tensors = from_torch(state, network)
    except KeyError as error:
        raise InvalidValueError(
            f"{path} has no tensor {error}; is it in the format pytorch?", field="weights"
        ) from error
    for parameter in network:
        _check_shape(parameter, tensors[parameter.name].shape, path)
    return DetectorModel(specification, tensors, specification.weights["origin"], specification.weights["seed"])


def _check_shape(parameter: Parameter, found: tuple[int, ...], path: Path) -> None:
    if found != parameter.shape:
        raise InvalidValueError(
            f"{path}: {torch_name(parameter)} has the shape of {parameter.name} {found}; this architecture has "
            f"{parameter.shape}",
            field="weights",
        )
