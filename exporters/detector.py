"""Format `detector`: the model directory of `search_space.detector_model`, with a README."""

from __future__ import annotations

from pathlib import Path

from exporters.export import Export
from exporters.model_card import README_FILE, model_card
from search_space.detector_model import save_detector

_USE = """\
This folder is a model directory of effspine, which runs it with its own engine:

    effspine predict picture.jpg --model . --out drawn    # boxes; drawn/picture.png
    effspine evaluate . --data DATA                       # COCO metrics on a COCO directory
    effspine train . --data DATA --start . --out run      # trains it further
    effspine export . --format onnx --out exports         # makes any other format of it"""

_FILES = """\
| file | content |
| --- | --- |
| `config.json` | the block specification: architecture, constants of the detector, classes, provenance |
| `model.safetensors` | the weights, float32; kernels are `[height, width, in, out]` |"""


def write(export: Export, directory: Path) -> None:
    """Writes `config.json`, `model.safetensors` and the README."""
    save_detector(export.model, directory)
    usage = {"Use": _USE, "Files": _FILES}
    card = model_card(export, library="effspine", title_commands=usage, dropped=[], tags=["safetensors"])
    (directory / README_FILE).write_text(card, encoding="utf-8")
