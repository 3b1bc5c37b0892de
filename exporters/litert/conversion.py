"""Converts a detector into the bytes of `.tflite` files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from exporters.keras.frozen_network import frozen_network
from search_space.detector import IMAGE_DEVIATION, IMAGE_MEAN
from search_space.detector_model import DetectorModel

PIXELS = "pixels"
_SIGNATURE = "serving_default"


class Converter:
    """A detector as a graph for one image, ready to be converted.

    It takes RGB pixels, 0 to 255, `[1, px, px, 3]`, whose padding has the mean colour, and returns `class3` to
    `class7` and `box3` to `box7`, the predictions of each level. An empty directory holds the graph as a SavedModel
    while it is converted.
    """

    def __init__(self, model: DetectorModel, directory: Path) -> None:
        predict, px = frozen_network(model, 1), model.architecture.input_px

        def heads(pixels: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs = predict((pixels - tf.constant(IMAGE_MEAN)) / tf.constant(IMAGE_DEVIATION))
            pairs = (("class", outputs.class_logits), ("box", outputs.boxes))
            return {f"{kind}{level}": maps[level] for kind, maps in pairs for level in maps}

        module, self._saved = tf.Module(), directory
        module.heads = tf.function(heads, input_signature=[tf.TensorSpec([1, px, px, 3], name=PIXELS)], autograph=False)
        tf.saved_model.save(
            module,
            str(directory),
            signatures={_SIGNATURE: module.heads},
            options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
        )

    def float32(self) -> bytes:
        """The file with weights and arithmetic of 32 bits."""
        return self._converted()

    def float16(self) -> bytes:
        """The file with weights of 16 bits; a processor that cannot compute with them converts them to 32 bits."""
        return self._converted(optimizations=[tf.lite.Optimize.DEFAULT], supported_types=[tf.float16])

    def int8(self, images: Iterable[npt.NDArray[np.float32]]) -> bytes:
        """The file with integer arithmetic throughout, for pixels of uint8; the outputs are float32.

        The ranges of its values are those of the images, each `[px, px, 3]`, which may be iterated repeatedly.
        """

        def representative() -> Iterator[dict[str, npt.NDArray[np.float32]]]:
            for number, image in enumerate(images):
                if number == 0:
                    # A black and a white pixel give the input its whole range: its quantised values are pixel values.
                    image = image.copy()
                    image[0, 0], image[0, 1] = 0, 255
                yield {PIXELS: image[None]}

        return self._converted(
            optimizations=[tf.lite.Optimize.DEFAULT],
            representative_dataset=representative,
            supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
            inference_input_type=tf.uint8,
        )

    def _converted(self, **settings: Any) -> bytes:
        """The file, made with the settings of TensorFlow's converter; only LiteRT's own operations are allowed."""
        converter = tf.lite.TFLiteConverter.from_saved_model(str(self._saved), signature_keys=[_SIGNATURE])
        for name, value in settings.items():
            setattr(converter.target_spec if name.startswith("supported_") else converter, name, value)
        content: bytes = converter.convert()
        return content
