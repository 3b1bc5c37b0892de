"""Detectors with random weights in the folders that exports are, and images to run them on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from exporters import EXPORTERS, Export
from search_space.architecture import Architecture
from search_space.detector_model import DetectorModel
from search_space.document import BlockSpecification
from tests.support.random_detectors import random_tensors

BATCH = 3
SMALL, ODD = (66, 140), (75, 133)
"""Sizes of images that are not square, and are rounded up at most levels."""


def random_model(architecture: Architecture, *, anchor_size: float = 2.0) -> DetectorModel:
    """The detector with the weights of `random_tensors`."""
    specification = BlockSpecification(architecture, {}, anchor_size=anchor_size)
    return DetectorModel(specification, random_tensors(architecture), "trained", 1)


def exported(model: DetectorModel, directory: Path, name: str = "pytorch") -> Path:
    """The directory, made if it is missing, with the export of a detector."""
    directory.mkdir(parents=True, exist_ok=True)
    EXPORTERS[name].write(Export(model.specification, model), directory)
    return directory


def images(size: tuple[int, int], seed: int = 2) -> npt.NDArray[np.float32]:
    """Normalised images `[batch, height, width, 3]` of noise."""
    return np.random.default_rng(seed).normal(size=(BATCH, *size, 3)).astype(np.float32)
