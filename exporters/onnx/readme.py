"""The README of format `onnx`."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from exporters.export import Export
from exporters.model_card import model_card
from exporters.onnx.graph import IR_VERSION, OPSET
from search_space.detector import MAX_DETECTIONS, NMS_IOU, SCORE_THRESHOLD

DETECTOR_FILE = "model.onnx"
RAW_FILE = "model.raw.onnx"
SCRIPT_FILE = "predict.py"

DROPPED = (
    "Losses, stochastic depth and batch statistics are not in the graphs, which are for inference.",
    "Height and width of the input are fixed; the batch is not.",
    "Kernels are `[out, in, height, width]`, as ONNX wants them. Names and values are those of the parameters; nothing "
    "is folded or rounded.",
    "Of boxes with exactly equal scores, a runtime may rank another one first than the training does.",
)

_MEANINGS = {
    "images": "normalised as below, RGB, zeros beyond the image",
    "pixels": "RGB, 0 to 255, anything beyond the image",
    "sizes": "height and width of each image without its padding, which is at the bottom and on the right",
    "boxes": "x1, y1, x2, y2 in pixels of the padded image, best first; 0 from `count` on",
    "scores": "0 to 1; 0 from `count` on",
    "classes": "the class slot, from 0",
    "count": "the number of detections of each image",
    "class_logits": "by anchor, then class",
    "box_codes": "by anchor, then dy, dx, log dh, log dw",
}


def readme(export: Export, models: Mapping[str, onnx.ModelProto]) -> str:
    """The README for the graphs in `models`, by file name."""
    return model_card(
        export,
        library="onnx",
        title_commands={
            "Use": _use(),
            "Graphs": "\n\n".join(_interface(name, model) for name, model in models.items()),
            "Other runtimes": _other_runtimes(export.architecture.input_px),
        },
        dropped=DROPPED,
        tags=("onnx",),
    )


def _use() -> str:
    return f"""    pip install onnxruntime numpy pillow
    python {SCRIPT_FILE} IMAGE... --out drawn --score 0.3

prints the boxes as JSON and draws them into `drawn/`. The script shows all that a program has to do: resize, pad, run.

- `{DETECTOR_FILE}` normalises, runs the network, decodes the boxes, and suppresses duplicates (within a class, at an
  overlap above {NMS_IOU:g}). It returns at most {MAX_DETECTIONS} detections of an image, with scores above
  {SCORE_THRESHOLD:g}.
- `{RAW_FILE}` is the network alone, for runtimes with a suppression of their own.

Opset {OPSET}, file format {IR_VERSION}. Both graphs have the metadata `classes`, `config`, `provenance` and `weights`,
each as JSON."""


def _interface(name: str, model: onnx.ModelProto) -> str:
    """Inputs and outputs of a graph as a table."""
    lines = [f"`{name}`:", "", "| tensor | type | shape | content |", "| --- | --- | --- | --- |"]
    for way, values in (("in", model.graph.input), ("out", model.graph.output)):
        for value in values:
            tensor = value.type.tensor_type
            shape = ", ".join(dimension.dim_param or str(dimension.dim_value) for dimension in tensor.shape.dim)
            dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
            meaning = _MEANINGS[value.name.rsplit("_p", 1)[0]]
            lines.append(f"| {way}: `{value.name}` | {dtype} | [{shape}] | {meaning} |")
    return "\n".join(lines)


def _other_runtimes(px: int) -> str:
    shapes = " ".join(
        f"--{name}Shapes=images:{batch}x3x{px}x{px}" for name, batch in (("min", 1), ("opt", 1), ("max", 8))
    )
    return (
        "OpenVINO reads both files as they are. To convert one to its own format (`pip install openvino`):\n\n"
        f"    ovc {DETECTOR_FILE}\n\n"
        "TensorRT (not run when this export was made) takes the network:\n\n"
        f"    trtexec --onnx={RAW_FILE} {shapes} --saveEngine=model.plan"
    )
