"""A detector as a Keras functional model."""

from __future__ import annotations

from typing import Any

import numpy as np

from exporters.keras.backend import keras
from exporters.keras.keras_ops import KerasOps, Tensor
from search_space.detector import IMAGE_DEVIATION, IMAGE_MEAN
from search_space.detector_model import DetectorModel
from search_space.networks.retinanet import LEVELS, RetinaNetOutputs, retinanet

Size = tuple[int, int]
"""Height and width in pixels."""


def keras_detector(model: DetectorModel) -> Any:
    """The model from RGB pixels, 0 to 255, `[batch, px, px, 3]` to the predictions of every anchor, by name.

    `class_logits` are `[batch, anchors, classes]`, `box_codes` `[batch, anchors, 4]`; anchors are in the order of
    `search_space.anchors.anchor_boxes`. The padding of an image has the mean colour, which the normalisation in the
    model makes zero.
    """
    pixels = keras.Input((*_square(model), 3), name="pixels")
    variance = [deviation**2 for deviation in IMAGE_DEVIATION]
    images = keras.layers.Normalization(mean=list(IMAGE_MEAN), variance=variance, name="normalise")(pixels)
    outputs = _outputs(model, images)
    predictions = {
        "class_logits": _by_anchor(outputs.class_logits, model.architecture.class_slots, "class_logits"),
        "box_codes": _by_anchor(outputs.boxes, 4, "box_codes"),
    }
    return keras.Model(pixels, predictions, name="retinanet")


def keras_network(model: DetectorModel, size: Size | None = None) -> Any:
    """The model from normalised images `[batch, height, width, 3]` to `RetinaNetOutputs`, as two lists by level.

    `size` is by default the square of the architecture.
    """
    images = keras.Input((*(size or _square(model)), 3), name="images")
    outputs = _outputs(model, images)
    return keras.Model(images, [[by_level[level] for level in LEVELS] for by_level in outputs], name="retinanet")


def _square(model: DetectorModel) -> Size:
    return model.architecture.input_px, model.architecture.input_px


def _outputs(model: DetectorModel, images: Tensor) -> RetinaNetOutputs[Tensor]:
    """The predictions by level for normalised images, with the values of the detector's tensors."""
    ops = KerasOps(keras.ops.ones_like(images[:, :1, :1, :1]))
    outputs = retinanet(ops, model.architecture, images)
    for name, variable in ops.variables.items():
        variable.assign(np.reshape(model.tensors[name], variable.shape))
    return outputs


def _by_anchor(maps: dict[int, Tensor], values: int, name: str) -> Tensor:
    layers = keras.layers
    flat = [layers.Reshape((-1, values), name=f"{name}{level}")(maps[level]) for level in LEVELS]
    return layers.Concatenate(axis=1, name=name)(flat)
