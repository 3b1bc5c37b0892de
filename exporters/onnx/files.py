"""The files of format `onnx`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import onnx

from exporters.export import Export
from exporters.model_card import README_FILE
from exporters.onnx.detector import detection_model, raw_model
from exporters.onnx.readme import DETECTOR_FILE, RAW_FILE, SCRIPT_FILE, readme
from exporters.script_files import write_shared_scripts
from search_space.detector_model import CONFIG_FILE, weights_content, weights_section
from search_space.document import block_specification


def write(export: Export, directory: Path) -> None:
    """Writes both graphs with their weights, the configuration, a README, and the scripts that run the detector."""
    model, specification = export.model, export.model.specification
    graphs = {name: graph_of(export, name) for name in (DETECTOR_FILE, RAW_FILE)}
    contents = {name: content_of(graph) for name, graph in graphs.items()}
    weights = weights_section(contents[DETECTOR_FILE], model.origin, model.seed, DETECTOR_FILE)
    config = json.dumps(block_specification(replace(specification, weights=weights)), indent=2, ensure_ascii=False)
    script = Path(__file__).with_name(SCRIPT_FILE).read_bytes()
    texts = {CONFIG_FILE: config + "\n", README_FILE: readme(export, graphs)}
    for name, content in {**contents, SCRIPT_FILE: script}.items():
        (directory / name).write_bytes(content)
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    write_shared_scripts(directory)


def graph_of(export: Export, file: str) -> onnx.ModelProto:
    """The graph in a file of the export, for square images of the input size."""
    network, model = export.architecture, export.model
    size, metadata = (network.input_px, network.input_px), metadata_of(export)
    if file == RAW_FILE:
        return raw_model(network, model.tensors, size, metadata)
    return detection_model(network, model.tensors, size, export.model.specification.anchor_size, metadata)


def content_of(graph: onnx.ModelProto) -> bytes:
    """The content of a graph's file: the same bytes for the same graph."""
    return bytes(graph.SerializeToString(deterministic=True))


def metadata_of(export: Export) -> dict[str, str]:
    """The metadata of both graphs, as JSON texts.

    `classes` are the `{id, name}` of the slots, or null; `config` is the block specification; `provenance` is a part of
    it; `weights` are their origin and seed, and the digest that they have as a safetensors file.
    """
    model, specification = export.model, replace(export.model.specification, weights=None)
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
