"""The input of every exporter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from search_space.architecture import Architecture
from search_space.detector_model import DetectorModel, initial_model
from search_space.document import BlockSpecification
from search_space.file_names import file_stem


@dataclass(frozen=True, eq=False)
class Export:
    """What is exported: a specification, its weights if there are any, and what some formats need beside it.

    `baseline` is the architecture that a drawing shows beside it, if there is one. `dataset` is the directory of the
    data set, from which a format takes representative images.
    """

    specification: BlockSpecification
    trained: DetectorModel | None = None
    baseline: Architecture | None = None
    dataset: Path | None = None

    @property
    def architecture(self) -> Architecture:
        """The network itself."""
        return self.specification.architecture

    @property
    def file_stem(self) -> str:
        """The name of the network as that of a file without its suffix."""
        return file_stem(self.architecture.name, "architecture")

    @cached_property
    def model(self) -> DetectorModel:
        """The detector with its weights: the trained ones, or the initial values of seed 0."""
        return self.trained or initial_model(self.specification)
