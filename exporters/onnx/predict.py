"""Finds objects in images with the detector beside this file; needs onnxruntime, numpy and pillow.

python predict.py IMAGE... [--out DIR] [--score 0.3]

`pictures.py` says what is printed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from pictures import Detection, arguments, report


class Detector:
    """The model in a file, and its classes."""

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        _, self._height, self._width, _ = self._session.get_inputs()[0].shape
        self.classes = json.loads(self._session.get_modelmeta().custom_metadata_map["classes"])

    def detect(self, picture: Image.Image, lowest_score: float = 0.0) -> list[Detection]:
        """The detections of an RGB picture with at least this score, best first."""
        scale = min(self._height / picture.height, self._width / picture.width)
        height, width = max(1, round(picture.height * scale)), max(1, round(picture.width * scale))
        pixels = np.zeros((1, self._height, self._width, 3), np.uint8)
        pixels[0, :height, :width] = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        sizes = np.array([[height, width]], np.int32)
        outputs = ("boxes", "scores", "classes", "count")
        boxes, scores, classes, count = self._session.run(outputs, {"pixels": pixels, "sizes": sizes})
        return [
            ([float(side) / scale for side in box], float(score), int(slot))
            for box, score, slot in zip(boxes[0, : count[0]], scores[0], classes[0], strict=False)
            if score >= lowest_score
        ]


def main() -> None:
    """Reads the command line, prints the detections, and draws them."""
    options = arguments(Path(__file__).with_name("model.onnx"), "model file").parse_args()
    detector = Detector(options.model)
    report(options, detector.detect, detector.classes)


if __name__ == "__main__":
    main()
