"""The folder of the format `pytorch`: the template's modules, weights, configuration and README.

It is made without PyTorch. The modules are equal for every architecture; `config.json` configures them.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

from safetensors.numpy import save

from exporters.export import Export
from exporters.model_card import README_FILE, model_card
from exporters.pytorch.layout import to_torch
from exporters.pytorch.usage import USAGE
from exporters.script_files import write_shared_scripts
from search_space.cost import parameters
from search_space.detector_model import CONFIG_FILE, WEIGHTS_FILE, with_weights
from search_space.document import block_specification

TEMPLATE = files("exporters.pytorch") / "template"


def write(export: Export, directory: Path) -> None:
    """Writes the files."""
    for source in TEMPLATE.iterdir():
        if source.name.endswith(".py"):
            (directory / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    write_shared_scripts(directory)
    content = save(to_torch(export.model.tensors, parameters(export.architecture)), metadata={"format": "pt"})
    (directory / WEIGHTS_FILE).write_bytes(content)
    document = block_specification(with_weights(export.model, content))
    configuration = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (directory / CONFIG_FILE).write_text(configuration, encoding="utf-8")
    card = model_card(export, library="pytorch", title_commands=USAGE, dropped=[], tags=["pytorch", "safetensors"])
    (directory / README_FILE).write_text(card, encoding="utf-8")
