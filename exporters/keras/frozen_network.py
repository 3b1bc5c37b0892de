"""The network as a TensorFlow function whose weights are constants, for formats that only infer."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from exporters.keras.model import keras_network
from search_space.architecture import Architecture
from search_space.cost import cost_report
from search_space.detector_model import DetectorModel
from search_space.errors import InvalidValueError
from search_space.networks.retinanet import LEVELS, RetinaNetOutputs

LARGEST_BYTES = 2**31 - 2**27
"""Of the weights in one file: protocol buffers and flat buffers end at 2 GiB. 128 MiB are left for the graph."""

Network = Callable[[tf.Tensor], RetinaNetOutputs[tf.Tensor]]


def check_size(architecture: Architecture) -> None:
    """Raises InvalidValueError where the weights are too large for the file of such a function."""
    size = 4 * cost_report(architecture).params
    if size > LARGEST_BYTES:
        raise InvalidValueError(
            f"the weights of {architecture.name} have {size:,} bytes; a file of this format holds at most "
            f"{LARGEST_BYTES:,}",
            field="widths",
        )


def frozen_network(model: DetectorModel, batch: int | None) -> Network:
    """The predictions by level for normalised images `[batch, px, px, 3]` of float32."""
    network, px = keras_network(model), model.architecture.input_px
    graph = tf.function(
        lambda images: network(images, training=False),
        input_signature=[tf.TensorSpec([batch, px, px, 3], name="images")],
        autograph=False,
    )
    constant = convert_variables_to_constants_v2(graph.get_concrete_function())

    def predict(images: tf.Tensor) -> RetinaNetOutputs[tf.Tensor]:
        maps, count = constant(images), len(LEVELS)
        by_level = (dict(zip(LEVELS, part, strict=True)) for part in (maps[:count], maps[count:]))
        return RetinaNetOutputs(*by_level)

    return predict
