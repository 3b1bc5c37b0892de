"""Reads an architecture that a command line names: a published model, widths, a file, or a model directory."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from search_space.architecture import Architecture
from search_space.detector_model import CONFIG_FILE, DetectorModel, load_detector
from search_space.document import BlockSpecification, load_block_specification
from search_space.errors import InvalidValueError
from search_space.option_values import parse_whole_numbers
from search_space.published import BASES


class NamedArchitecture(NamedTuple):
    """A specification, and its detector where there are weights."""

    specification: BlockSpecification
    detector: DetectorModel | None = None


def read_architecture(text: str) -> NamedArchitecture:
    """The architecture that `text` names.

    `Eff-SpineNet-D0`: a published model, in any case. `16,24,...`: 18 widths at the scale of D0. `FILE.json`: a block
    specification. `DIR`: a model directory, with its weights. Raises InvalidValueError for anything else.
    """
    if text.lower() in BASES:
        return NamedArchitecture(BlockSpecification(BASES[text.lower()], provenance={}))
    path = Path(text)
    if path.is_dir() or path.name == CONFIG_FILE:
        detector = load_detector(path if path.is_dir() else path.parent)
        return NamedArchitecture(detector.specification, detector)
    if path.suffix == ".json":
        return NamedArchitecture(load_block_specification(path))
    if "," in text:
        return NamedArchitecture(
            BlockSpecification(Architecture(parse_whole_numbers("architecture", text)), provenance={})
        )
    names = ", ".join(architecture.name for architecture in BASES.values())
    raise InvalidValueError(
        f"architecture is {text!r}; give a published model ({names}), 18 widths separated by commas, a block "
        "specification (FILE.json) or a model directory",
        field="architecture",
    )
