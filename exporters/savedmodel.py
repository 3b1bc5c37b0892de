"""Format `savedmodel`: a TensorFlow SavedModel of the whole detector, for TensorFlow Serving and alike."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from exporters.export import Export
from exporters.keras.folder import ANCHORS_FILE, SCRIPT_FILE, write_anchors, write_surroundings
from exporters.keras.frozen_network import check_size, frozen_network
from proxy_trainer.engine.boxes import decode
from proxy_trainer.engine.detections import non_max_suppression
from proxy_trainer.engine.proxy_network import normalise
from proxy_trainer.tasks.fixed_detector import predictions_by_anchor
from search_space.anchors import anchor_boxes
from search_space.detector import MAX_DETECTIONS, NMS_IOU, SCORE_THRESHOLD

VERSION = "1"
"""The folder of the SavedModel: TensorFlow Serving looks for one with a number."""

DROPPED = (
    "The weights are constants of the graph: it infers, but it does not train.",
    "Height and width of the input are fixed; the batch is not.",
)


def write(export: Export, directory: Path) -> None:
    """Writes the SavedModel, its anchors, the configuration, a script that runs it, and a README.

    Raises InvalidValueError where the weights are too large for one file.
    """
    check_size(export.architecture)
    detector = Detector(export)
    tf.saved_model.save(
        detector,
        str(directory / VERSION),
        signatures={"serving_default": detector.detect, "raw": detector.raw},
        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    write_anchors(export, directory)
    weights_file = f"{VERSION}/saved_model.pb"
    write_surroundings(
        export,
        directory,
        weights_file,
        library="tensorflow",
        usage=_usage(export),
        dropped=DROPPED,
        tags=["tensorflow"],
    )


class Detector(tf.Module):  # type: ignore[misc]
    """The functions of the SavedModel.

    Both take padded images `pixels` `[batch, px, px, 3]` of uint8 and their `sizes` `[batch, 2]` of int32: height and
    width without the padding, which is at the bottom and on the right and has any values.
    """

    def __init__(self, export: Export) -> None:
        super().__init__()
        network = export.architecture
        px, slots = network.input_px, network.class_slots
        predict, anchors = frozen_network(export.model, None), anchor_boxes(px, export.specification.anchor_size)
        signature = [
            tf.TensorSpec([None, px, px, 3], tf.uint8, name="pixels"),
            tf.TensorSpec([None, 2], tf.int32, name="sizes"),
        ]

        def raw(pixels: tf.Tensor, sizes: tf.Tensor) -> dict[str, tf.Tensor]:
            logits, codes = predictions_by_anchor(predict(normalise(pixels, sizes)), len(anchors), slots)
            return {"class_logits": logits, "box_codes": codes}

        def detect(pixels: tf.Tensor, sizes: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs = raw(pixels, sizes)
            boxes = decode(outputs["box_codes"], tf.constant(anchors), (px, px))
            found = non_max_suppression(boxes, tf.nn.sigmoid(outputs["class_logits"]))
            return {"boxes": found[0], "scores": found[1], "classes": tf.cast(found[2], tf.int32), "count": found[3]}

        self.raw, self.detect = (
            tf.function(each, input_signature=signature, autograph=False) for each in (raw, detect)
        )


def _usage(export: Export) -> dict[str, str]:
    px, slots = export.architecture.input_px, export.architecture.class_slots
    return {
        "Use": f"""    pip install tensorflow numpy pillow
    python {SCRIPT_FILE} IMAGE... --out drawn --score 0.3

prints the boxes as JSON and draws them. In Python:

    import tensorflow as tf
    detect = tf.saved_model.load("{VERSION}").signatures["serving_default"]
    found = detect(pixels=pixels, sizes=sizes)

With TensorFlow Serving, this folder is the base path of the model: `--model_base_path=$PWD`.""",
        "Signatures": f"""Both take `pixels`, uint8 `[batch, {px}, {px}, 3]`, RGB images resized to a long side of {px}
and padded at the bottom and on the right, and `sizes`, int32 `[batch, 2]`, their height and width without the padding.

| signature | output | shape | content |
| --- | --- | --- | --- |
| `serving_default` | `boxes` | `[batch, {MAX_DETECTIONS}, 4]` | y1, x1, y2, x2 in pixels of the padded image |
| | `scores` | `[batch, {MAX_DETECTIONS}]` | 0 to 1 |
| | `classes` | `[batch, {MAX_DETECTIONS}]` | the class slot, from 0 |
| | `count` | `[batch]` | how many of them are detections; the others are zero; best first |
| `raw` | `class_logits` | `[batch, anchors, {slots}]` | by anchor, in the order of `{ANCHORS_FILE}` |
| | `box_codes` | `[batch, anchors, 4]` | dy, dx, log dh, log dw |

Duplicates are suppressed within a class at an overlap above {NMS_IOU:g}; scores are above {SCORE_THRESHOLD:g}.""",
    }
