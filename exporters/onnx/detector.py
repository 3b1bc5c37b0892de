"""The two models: RetinaNet from normalised images to raw predictions, and from pixels to detections.

Around the network, the second has what `search_space.detector` defines: normalisation, anchors, box codes and
non-maximum suppression. The engine's counterparts are in `proxy_trainer.engine`: `proxy_network`, `boxes` and
`detections`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from exporters.onnx.graph import BATCH, Graph
from exporters.onnx.graph_ops import FeatureMap, GraphOps
from search_space.anchors import level_anchors
from search_space.architecture import ANCHORS_PER_LOCATION, Architecture
from search_space.detector import (
    IMAGE_DEVIATION,
    IMAGE_MEAN,
    LARGEST_LOG_RATIO,
    MAX_DETECTIONS,
    NMS_IOU,
    OCTAVE_SCALES,
    SCORE_THRESHOLD,
)
from search_space.detector_model import Tensors
from search_space.networks.retinanet import LEVELS, RetinaNetOutputs, retinanet

Size = tuple[int, int]

PADDING_SCORE, OTHER_IMAGE_SCORE = -1.0, -2.0
"""Scores of what fills up an image's detections, and of the detections of other images: the latter always rank last."""


def raw_model(architecture: Architecture, tensors: Tensors, size: Size, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """The network alone, for images of `size` (height, width).

    Input: `images` float32 `[batch, 3, height, width]`, normalised. Outputs, for each level from 3 to 7:
    `class_logits_pN` `[batch, 9 * classes, h, w]` and `box_codes_pN` `[batch, 36, h, w]`. Channels are ordered by
    anchor, then class or (dy, dx, log dh, log dw).
    """
    graph = Graph()
    images = graph.input("images", np.float32, (BATCH, 3, *size))
    outputs = retinanet(GraphOps(graph, tensors), architecture, FeatureMap(images, *size, 3))
    for name, maps in (("class_logits", outputs.class_logits), ("box_codes", outputs.boxes)):
        for level, x in maps.items():
            graph.output(x.name, f"{name}_p{level}", np.float32, (BATCH, x.channels, x.height, x.width))
    return graph.model(architecture.name, "Normalised images to class logits and box codes.", metadata)


def detection_model(
    architecture: Architecture, tensors: Tensors, size: Size, anchor_size: float, metadata: Mapping[str, str]
) -> onnx.ModelProto:
    """The whole detector, for padded images of `size` (height, width).

    Inputs: `pixels` uint8 `[batch, height, width, 3]`, RGB; `sizes` int32 `[batch, 2]`, height and width of each image
    without its padding at the bottom and on the right. Outputs, best first: `boxes` float32 `[batch, 100, 4]` (x1, y1,
    x2, y2) in pixels of the padded image, `scores` float32 `[batch, 100]` and `classes` int32 `[batch, 100]`, which are
    0 from the image's `count` int32 `[batch]` on.
    """
    graph = Graph()
    pixels = graph.input("pixels", np.uint8, (BATCH, *size, 3))
    sizes = graph.input("sizes", np.int32, (BATCH, 2))
    images = FeatureMap(_normalised(graph, pixels, sizes, size), *size, 3)
    outputs = retinanet(GraphOps(graph, tensors), architecture, images)
    boxes = _decoded(graph, _by_anchor(graph, outputs.boxes, 4, (0, 3, 4, 1, 2)), size, anchor_size)
    scores = _scores(graph, outputs, architecture.class_slots)
    _suppress(graph, boxes, scores, pixels)
    return graph.model(architecture.name, "Pixels to detections.", metadata)


def _normalised(graph: Graph, pixels: str, sizes: str, size: Size) -> str:
    """Images `[batch, 3, height, width]`, normalised by mean and deviation, with zeros in place of the padding."""
    x = graph.node("Transpose", [graph.node("Cast", [pixels], to=onnx.TensorProto.FLOAT)], perm=[0, 3, 1, 2])
    mean, deviation = (np.reshape(values, (1, 3, 1, 1)) for values in (IMAGE_MEAN, IMAGE_DEVIATION))
    x = graph.node("Sub", [x, graph.constant(mean, np.float32)])
    x = graph.node("Div", [x, graph.constant(deviation, np.float32)], "normalised")
    for axis, (name, shape) in enumerate((("rows", (-1, 1, size[0], 1)), ("columns", (-1, 1, 1, size[1])))):
        positions = graph.constant(np.arange(size[axis])[None], np.int32)
        limit = graph.node("Slice", [sizes, *(graph.constant([at], np.int64) for at in (axis, axis + 1, 1))])
        inside = graph.node("Less", [positions, limit], name)
        inside = graph.node("Cast", [inside], to=onnx.TensorProto.FLOAT)
        inside = graph.node("Reshape", [inside, graph.constant(shape, np.int64)])
        x = graph.node("Mul", [x, inside], f"normalised/{name}")
    return x


def _by_anchor(graph: Graph, maps: Mapping[int, FeatureMap], values: int, axes: tuple[int, ...]) -> str:
    """Predictions of all levels as `[batch, anchors, values]`, or `[batch, values, anchors]`, as `axes` order them.

    The axes that they order are image, anchor of the location, value, row and column.
    """
    flat = []
    for x in maps.values():
        shape = (-1, ANCHORS_PER_LOCATION, values, x.height, x.width)
        split = graph.node("Reshape", [x.name, graph.constant(shape, np.int64)])
        ordered = graph.node("Transpose", [split], perm=list(axes))
        anchors = ANCHORS_PER_LOCATION * x.height * x.width
        flat_shape = (-1, anchors, values) if axes[-1] == 2 else (-1, values, anchors)
        flat.append(graph.node("Reshape", [ordered, graph.constant(flat_shape, np.int64)]))
    return graph.node("Concat", flat, axis=1 if axes[-1] == 2 else 2)


def _scores(graph: Graph, outputs: RetinaNetOutputs[FeatureMap], classes: int) -> str:
    """Scores `[batch, classes, anchors]`."""
    logits = _by_anchor(graph, outputs.class_logits, classes, (0, 2, 3, 4, 1))
    return graph.node("Sigmoid", [logits], "all_scores")


def _decoded(graph: Graph, codes: str, size: Size, anchor_size: float) -> str:
    """Boxes `[batch, anchors, 4]` (y1, x1, y2, x2) in pixels, clipped to the image, from their codes."""
    levels = [level_anchors(size, level, anchor_size, OCTAVE_SCALES) for level in LEVELS]
    anchors = np.concatenate(levels).astype(np.float32)
    centre = graph.constant((anchors[:, :2] + anchors[:, 2:]) / 2, np.float32)
    side = graph.constant(anchors[:, 2:] - anchors[:, :2], np.float32)
    offset, log_ratio = (
        graph.node("Slice", [codes, *(graph.constant([at], np.int64) for at in (begin, begin + 2, 2))])
        for begin in (0, 2)
    )
    centre = graph.node("Add", [graph.node("Mul", [offset, side]), centre], "box_centres")
    bounded = graph.node("Min", [log_ratio, graph.constant(LARGEST_LOG_RATIO, np.float32)])
    half = graph.node("Mul", [graph.node("Exp", [bounded]), side])
    half = graph.node("Div", [half, graph.constant(2, np.float32)], "box_half_sides")
    corners = [graph.node(operator, [centre, half]) for operator in ("Sub", "Add")]
    boxes = graph.node("Concat", corners, axis=-1)
    boxes = graph.node("Max", [boxes, graph.constant(0, np.float32)])
    return graph.node("Min", [boxes, graph.constant([*size, *size], np.float32)], "all_boxes")


def _suppress(graph: Graph, boxes: str, scores: str, pixels: str) -> None:
    """The outputs: the best detections of each image after non-maximum suppression within each class.

    The operator returns the selected (image, class, anchor) of all images as one list. The detections of an image are
    the best of a matrix of images and selected boxes, in which those of other images rank last; before them rank the
    rows of padding, which fill up an image with few detections.
    """
    limits = [
        graph.constant([MAX_DETECTIONS], np.int64),
        graph.constant([NMS_IOU], np.float32),
        graph.constant([SCORE_THRESHOLD], np.float32),
    ]
    selected = graph.node("NonMaxSuppression", [boxes, scores, *limits], "selected")
    image, kind = (graph.node("Gather", [selected, graph.constant(column, np.int64)], axis=1) for column in (0, 1))
    places = graph.node("Gather", [selected, graph.constant([0, 2], np.int64)], axis=1)
    found: dict[str, tuple[str, npt.NDArray[Any]]] = {
        "image": (image, np.full(MAX_DETECTIONS, -1, np.int64)),
        "class": (kind, np.zeros(MAX_DETECTIONS, np.int64)),
        "score": (graph.node("GatherND", [scores, selected]), np.full(MAX_DETECTIONS, PADDING_SCORE, np.float32)),
        "box": (graph.node("GatherND", [boxes, places]), np.zeros((MAX_DETECTIONS, 4), np.float32)),
    }
    rows = {
        name: graph.node("Concat", [values, graph.constant(padding, padding.dtype)], f"selected/{name}", axis=0)
        for name, (values, padding) in found.items()
    }
    score, index = _best_of_each_image(graph, rows, pixels)
    count = graph.node(
        "Cast", [graph.node("Greater", [score, graph.constant(0, np.float32)])], to=onnx.TensorProto.INT32
    )
    count = graph.node("ReduceSum", [count, graph.constant([1], np.int64)], keepdims=0)
    box = graph.node("Gather", [rows["box"], index])
    box = graph.node("Gather", [box, graph.constant([1, 0, 3, 2], np.int64)], axis=2)
    kind = graph.node("Cast", [graph.node("Gather", [rows["class"], index])], to=onnx.TensorProto.INT32)
    score = graph.node("Max", [score, graph.constant(0, np.float32)])
    graph.output(box, "boxes", np.float32, (BATCH, MAX_DETECTIONS, 4))
    graph.output(score, "scores", np.float32, (BATCH, MAX_DETECTIONS))
    graph.output(kind, "classes", np.int32, (BATCH, MAX_DETECTIONS))
    graph.output(count, "count", np.int32, (BATCH,))


def _best_of_each_image(graph: Graph, rows: Mapping[str, str], pixels: str) -> tuple[str, str]:
    """The best 100 scores of each image `[batch, 100]`, and the rows that they are in."""
    batch = graph.node("Gather", [graph.node("Shape", [pixels]), graph.constant(0, np.int64)], "batch_size")
    images = graph.node("Range", [graph.constant(0, np.int64), batch, graph.constant(1, np.int64)], "image_numbers")
    images = graph.node("Unsqueeze", [images, graph.constant([1], np.int64)])
    is_padding = graph.node("Less", [rows["image"], graph.constant(0, np.int64)])
    is_own = graph.node("Or", [graph.node("Equal", [images, rows["image"]]), is_padding])
    ranked = graph.node("Where", [is_own, rows["score"], graph.constant(OTHER_IMAGE_SCORE, np.float32)], "ranked")
    return graph.top(ranked, MAX_DETECTIONS)
