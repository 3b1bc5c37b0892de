"""Exports of formats `litert` and `keras` in their runtime, by `predict.py` in their folder, which is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy_trainer.detection_batch import DetectionBatch, Detects
from proxy_trainer.inference.folder_modules import folder_module
from search_space.detector import MAX_DETECTIONS, SCORE_THRESHOLD
from search_space.errors import InvalidValueError


class ScriptDetector:
    """The `Detector` of the script, whose `run` takes one resized image and the lowest score.

    It returns boxes (y1, x1, y2, x2), scores and labels, best first.
    """

    def __init__(self, detector: Any) -> None:
        self._detector = detector

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections on padded images."""
        batch = len(pixels)
        boxes, scores, classes = (np.zeros((batch, MAX_DETECTIONS, *rest), np.float32) for rest in ((4,), (), ()))
        valid = np.zeros(batch, np.int32)
        for row, (height, width) in enumerate(sizes.tolist()):
            found = self._detector.run(np.asarray(pixels[row, :height, :width]), SCORE_THRESHOLD)
            count = valid[row] = min(len(found[1]), MAX_DETECTIONS)
            if count:
                boxes[row, :count], scores[row, :count], classes[row, :count] = (each[:count] for each in found)
        return DetectionBatch(boxes, scores, classes, valid)


def load(file: Path, threads: int) -> Detects:
    """The detector in a file of a folder with `predict.py`; the runtime chooses its threads.

    Raises InvalidValueError where the runtime is not installed or the file cannot be loaded.
    """
    try:
        return ScriptDetector(folder_module(file.parent, "predict").Detector(file.absolute()))
    except (Exception, SystemExit) as error:  # the script ends its program where the runtime is missing
        raise InvalidValueError(f"{file} cannot be loaded: {error}", field="model") from error
