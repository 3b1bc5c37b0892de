"""Detects objects in pictures: boxes as JSON on standard output, and drawn pictures.

    python predict.py IMAGE... [--out DIR] [--score 0.3] [--model FILE]

`pictures.py` says what is printed. Needs numpy, pillow, and for the model beside this file: `ai-edge-litert` for
model_*.tflite (tensorflow works too), `keras` and a backend for model.keras, `tensorflow` for the SavedModel in the
folder 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pictures import Detection, arguments, report

MODELS = ("model_float32.tflite", "model_float16.tflite", "model_int8.tflite", "model.keras", "1")

Array = Any
Found = tuple[Array, Array, Array]
"""Boxes `[n, 4]` (y1, x1, y2, x2) in pixels of the resized picture, scores `[n]` and labels `[n]`, best first."""


class Detector:
    """A model with the configuration beside it; `run` takes a resized picture of uint8 and the lowest score."""

    def __init__(self, path: Path) -> None:
        self.config = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
        self.px = int(self.config["input_px"])
        self.mean = np.array(self.config["detector"]["preprocessing"]["mean"], np.float32)
        self._folder = path.parent
        if path.suffix == ".tflite":
            self.run = self._with_suppression(self._litert(path))
        elif path.suffix == ".keras":
            self.run = self._with_suppression(self._keras(path))
        else:
            self.run = self._saved_model(path)

    def detect(self, picture: Image.Image, lowest_score: float) -> list[Detection]:
        """The detections of an RGB picture with at least this score."""
        scale = self.px / max(picture.size)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        resized = picture if size == picture.size else picture.resize(size, Image.Resampling.BILINEAR)
        boxes, scores, labels = self.run(np.asarray(resized), lowest_score)
        boxes = boxes[:, [1, 0, 3, 2]].astype(np.float64) / scale
        return list(zip(boxes.tolist(), np.asarray(scores).tolist(), np.asarray(labels).tolist(), strict=True))

    def _with_suppression(self, heads: Callable[[Array], tuple[Array, Array]]) -> Callable[[Array, float], Found]:
        anchors = np.load(self._folder / "anchors.npy")

        def run(pixels: Array, lowest_score: float) -> Found:
            padded = np.empty((self.px, self.px, 3), np.float32)
            padded[:] = self.mean
            padded[: pixels.shape[0], : pixels.shape[1]] = pixels
            logits, codes = heads(padded[None])
            scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
            return suppress(decode(codes, anchors, self.px, self.config), scores, lowest_score, self.config)

        return run

    def _keras(self, path: Path) -> Callable[[Array], tuple[Array, Array]]:
        import keras

        model = keras.saving.load_model(path, compile=False)

        def heads(pixels: Array) -> tuple[Array, Array]:
            found = model.predict_on_batch(pixels)
            return found["class_logits"][0], found["box_codes"][0]

        return heads

    def _litert(self, path: Path) -> Callable[[Array], tuple[Array, Array]]:
        interpreter = litert_interpreter()(str(path))
        run = interpreter.get_signature_runner()
        wanted = run.get_input_details()["pixels"]
        slots = int(self.config["class_slots"])

        def heads(pixels: Array) -> tuple[Array, Array]:
            if wanted["dtype"] != np.float32:
                scale, zero = wanted["quantization"]
                limits = np.iinfo(wanted["dtype"])
                pixels = np.clip(np.round(pixels / scale + zero), limits.min, limits.max)
            found = run(pixels=pixels.astype(wanted["dtype"]))
            levels = sorted({int(name[-1]) for name in found})
            logits = np.concatenate([found[f"class{level}"].reshape(-1, slots) for level in levels])
            return logits, np.concatenate([found[f"box{level}"].reshape(-1, 4) for level in levels])

        return heads

    def _saved_model(self, path: Path) -> Callable[[Array, float], Found]:
        import tensorflow as tf

        model = tf.saved_model.load(str(path))
        signature = model.signatures["serving_default"]

        def run(pixels: Array, lowest_score: float) -> Found:
            padded = np.zeros((1, self.px, self.px, 3), np.uint8)
            padded[0, : pixels.shape[0], : pixels.shape[1]] = pixels
            size = np.array([pixels.shape[:2]], np.int32)
            found = {name: value.numpy()[0] for name, value in signature(pixels=padded, sizes=size).items()}
            chosen = np.flatnonzero(found["scores"][: found["count"]] >= lowest_score)
            return found["boxes"][chosen], found["scores"][chosen], found["classes"][chosen]

        return run


def litert_interpreter() -> Any:
    """The class of the interpreter, from LiteRT or else from TensorFlow."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        try:
            from tensorflow import lite
        except ImportError:
            sys.exit("a .tflite file needs the LiteRT interpreter: pip install ai-edge-litert")
        return lite.Interpreter
    return Interpreter


def decode(codes: Array, anchors: Array, px: int, config: dict[str, Any]) -> Array:
    """Boxes `[anchors, 4]` from the box codes (dy, dx, log dh, log dw), clipped to the image."""
    sides = anchors[:, 2:] - anchors[:, :2]
    centres = codes[:, :2] * sides + (anchors[:, :2] + anchors[:, 2:]) / 2
    half = np.exp(np.minimum(codes[:, 2:], config["detector"]["boxes"]["largest_log_ratio"])) * sides / 2
    return np.clip(np.concatenate([centres - half, centres + half], axis=1), 0, px)


def suppress(boxes: Array, scores: Array, lowest_score: float, config: dict[str, Any]) -> Found:
    """Non-maximum suppression within each class of `boxes` `[anchors, 4]` by `scores` `[anchors, classes]`."""
    settings = config["detector"]["suppression"]
    limit, lowest = settings["detections"], max(lowest_score, settings["score"])
    kept: list[tuple[float, int, int]] = []
    for label in range(scores.shape[1]):
        order = np.flatnonzero(scores[:, label] > lowest)
        order = order[np.argsort(-scores[order, label], kind="stable")]
        count = 0
        while len(order) and count < limit:
            best, order = order[0], order[1:]
            kept.append((float(scores[best, label]), int(best), label))
            order = order[overlaps(boxes[best], boxes[order]) <= settings["iou"]]
            count += 1
    kept = sorted(kept, key=lambda each: -each[0])[:limit]
    chosen = [index for _, index, _ in kept]
    return boxes[chosen], np.array([score for score, _, _ in kept]), np.array([label for _, _, label in kept])


def overlaps(box: Array, others: Array) -> Array:
    """Intersection over union of a box and each of the others."""
    sides = np.maximum(0, np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]))
    shared = sides[:, 0] * sides[:, 1]
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    together = (box[2] - box[0]) * (box[3] - box[1]) + areas - shared
    return np.where(shared > 0, shared / np.maximum(together, 1e-12), 0.0)


def default_model() -> Path:
    """The first model beside this script."""
    folder = Path(__file__).parent
    return next((folder / name for name in MODELS if (folder / name).exists()), folder / MODELS[0])


def main() -> None:
    """Reads the command line, prints the detections, and draws them."""
    options = arguments(default_model(), "model file").parse_args()
    if not options.model.exists():
        sys.exit(f"there is no model {options.model}")
    detector = Detector(options.model)
    report(options, detector.detect, detector.config["classes"])


if __name__ == "__main__":
    main()
