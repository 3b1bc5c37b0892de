"""The files of format `onnx`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

from exporters.export import Export
from exporters.onnx.detector import detection_model, raw_model
from exporters.onnx.readme import DETECTOR_FILE, RAW_FILE, SCRIPT_FILE, readme
from search_space.detector_model import CONFIG_FILE, weights_content
from search_space.document import block_specification

README_FILE = "README.md"


def write(export: Export, directory: Path) -> None:
    """Writes both graphs with their weights, the configuration, a README, and the script that runs the detector."""
    model, specification = export.model, export.specification
    size, metadata = (export.architecture.input_px,) * 2, metadata_of(export)
    models = {
        DETECTOR_FILE: detection_model(export.architecture, model.tensors, size, specification.anchor_size, metadata),
        RAW_FILE: raw_model(export.architecture, model.tensors, size, metadata),
    }
    contents = {name: graph.SerializeToString(deterministic=True) for name, graph in models.items()}
    weights = {
        "file": DETECTOR_FILE,
        "sha256": hashlib.sha256(contents[DETECTOR_FILE]).hexdigest(),
        "origin": model.origin,
        "seed": model.seed,
    }
    config = json.dumps(block_specification(replace(specification, weights=weights)), indent=2, ensure_ascii=False)
    script = Path(__file__).with_name(SCRIPT_FILE).read_bytes()
    texts = {CONFIG_FILE: config + "\n", README_FILE: readme(export, models)}
    for name, content in {**contents, SCRIPT_FILE: script}.items():
        (directory / name).write_bytes(content)
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")


def metadata_of(export: Export) -> dict[str, str]:
    """The metadata of both graphs, as JSON texts.

    `classes` are the `{id, name}` of the slots, or null; `config` is the block specification; `provenance` is a part of
    it; `weights` are their origin and seed, and the digest that they have as a safetensors file.
    """
    model, specification = export.model, replace(export.specification, weights=None)
    weights = {
        "origin": model.origin,
        "seed": model.seed,
        "safetensors_sha256": hashlib.sha256(weights_content(model)).hexdigest(),
    }
    values = {
        "classes": specification.classes,
        "config": block_specification(specification),
        "provenance": specification.provenance,
        "weights": weights,
    }
    return {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
