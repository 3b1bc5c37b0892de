"""ONNX exports that find the same boxes in every picture, to test what runs exports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from search_space.document import BlockSpecification, block_specification
from search_space.published import EFF_SPINENET_D0

PX = 64


def write_constant_detector(
    directory: Path, names: Sequence[str] | None, found: Sequence[tuple[tuple[float, ...], float, int]]
) -> Path:
    """Writes `config.json` and `model.onnx` for images of 64 pixels.

    `found` has the box (x1, y1, x2, y2) in pixels of the padded image, the score and the class of each detection.
    """
    directory.mkdir()
    slots = 3 if names is None else len(names)
    network = EFF_SPINENET_D0.scaled(0.1, divisor=1, input_px=PX, class_slots=slots, subnet_width=4)
    classes = None if names is None else [{"id": number, "name": name} for number, name in enumerate(names)]
    document = block_specification(BlockSpecification(network, {}, classes=classes))
    (directory / "config.json").write_text(json.dumps(document), encoding="utf-8")
    onnx.save(_graph(found), str(directory / "model.onnx"))
    return directory


def _graph(found: Sequence[tuple[tuple[float, ...], float, int]]) -> onnx.ModelProto:
    """A graph whose outputs repeat the detections for each image of the batch."""
    values: dict[str, np.ndarray[Any, Any]] = {
        "boxes": np.array([box for box, _, _ in found], np.float32).reshape(1, -1, 4),
        "scores": np.array([[score for _, score, _ in found]], np.float32),
        "classes": np.array([[slot for _, _, slot in found]], np.int32),
        "count": np.array([len(found)], np.int32),
    }
    types = {"boxes": TensorProto.FLOAT, "scores": TensorProto.FLOAT}
    nodes = [helper.make_node("Shape", ["sizes"], ["batch"], start=0, end=1)]
    initializers, outputs = [], []
    for name, value in values.items():
        rest = numpy_helper.from_array(np.ones(value.ndim - 1, np.int64), f"{name}_rest")
        initializers += [numpy_helper.from_array(value, f"{name}_one"), rest]
        nodes.append(helper.make_node("Concat", ["batch", f"{name}_rest"], [f"{name}_repeats"], axis=0))
        nodes.append(helper.make_node("Tile", [f"{name}_one", f"{name}_repeats"], [name]))
        kind = types.get(name, TensorProto.INT32)
        outputs.append(helper.make_tensor_value_info(name, kind, [None, *value.shape[1:]]))
    # `pixels` must be used, or onnxruntime would drop it.
    nodes.append(helper.make_node("Shape", ["pixels"], ["pixels_shape"]))
    outputs.append(helper.make_tensor_value_info("pixels_shape", TensorProto.INT64, [4]))
    inputs = [
        helper.make_tensor_value_info("pixels", TensorProto.UINT8, [None, PX, PX, 3]),
        helper.make_tensor_value_info("sizes", TensorProto.INT32, [None, 2]),
    ]
    graph = helper.make_graph(nodes, "constant", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
