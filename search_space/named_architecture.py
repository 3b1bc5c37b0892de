"""What a command line can name as an architecture: a model, widths, a block specification or a model directory."""

from __future__ import annotations

import shlex
from pathlib import Path

from search_space.architecture import Architecture
from search_space.catalogue import ARCHITECTURES, CATALOGUE
from search_space.detector_model import CONFIG_FILE
from search_space.document import BlockSpecification, load_block_specification
from search_space.errors import InvalidValueError
from search_space.option_values import parse_whole_numbers
from search_space.task_model import is_task_model


def named_architecture(text: str) -> BlockSpecification:
    """The specification of a model of the catalogue, of 18 widths at the scale of D0, of a file or of a directory.

    A path wins over a name. Raises InvalidValueError where it is none of them, or a model of another form: of another
    task than detection, or without the scale-permuted backbone (also in a directory, `search_space.task_model`).
    """
    path = Path(text).expanduser()
    if is_task_model(path):
        raise InvalidValueError(
            f"{path} is not a scale-permuted detector but a model that `effspine train --task` has made; name the "
            "architecture that it was made from, and the directory with --start",
            field="architecture",
        )
    if path.is_dir():
        return load_block_specification(path / CONFIG_FILE)
    if path.is_file():
        return load_block_specification(path)
    if text.lower() in ARCHITECTURES:
        return BlockSpecification(ARCHITECTURES[text.lower()], {})
    if "," in text:
        return BlockSpecification(Architecture(parse_whole_numbers("widths", text)), {})
    _refuse_other_models(text)
    names = ", ".join(architecture.name for architecture in ARCHITECTURES.values())
    raise InvalidValueError(
        f"architecture is {text!r}; it must be one of {names}, or 18 widths separated by commas, a block "
        "specification file, or a model directory",
        field="architecture",
    )


def _refuse_other_models(text: str) -> None:
    """Raises InvalidValueError, which says what it is, for a model of the catalogue that is no such architecture."""
    model = next((each for each in CATALOGUE if each.name.lower() == text.lower()), None)
    if model is None:
        return
    if model.architecture is None:
        reason = f"{model.name} ({model.task}) does not have the scale-permuted backbone, which is needed here"
    else:
        reason = (
            f"{model.name} is a model for {model.task}, and a scale-permuted detector is needed here, such as "
            f"{model.architecture.name}, which has its blocks"
        )
    command = f"effspine train {shlex.quote(model.name)} --task {model.task}"
    raise InvalidValueError(f"{reason}; `{command}` trains {model.name}", field="architecture")
