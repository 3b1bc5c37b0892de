"""An export of format `savedmodel` in TensorFlow: the SavedModel in the folder `1`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy_trainer.detection_batch import DetectionBatch, Detects
from proxy_trainer.engine import runtime
from proxy_trainer.engine.runtime import tf
from search_space.errors import InvalidValueError

FOLDER = "1"


class SavedModelDetector:
    """The signature `serving_default`: `boxes` (y1, x1, y2, x2), `scores`, `classes` and `count`."""

    def __init__(self, model: Any) -> None:
        self._model = model  # its variables live as long as it does
        self._detect = model.signatures["serving_default"]

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections on padded images."""
        found = self._detect(pixels=tf.constant(pixels), sizes=tf.constant(sizes, tf.int32))
        boxes, scores, classes, count = (found[name].numpy() for name in ("boxes", "scores", "classes", "count"))
        return DetectionBatch(boxes, scores, classes.astype(np.float32), count)


def load(path: Path, threads: int) -> Detects:
    """The detector in a folder. Raises InvalidValueError where it cannot be loaded."""
    runtime.start(threads)
    try:
        return SavedModelDetector(tf.saved_model.load(str(path / FOLDER)))
    except Exception as error:  # TensorFlow raises many types for a damaged folder
        raise InvalidValueError(f"{path / FOLDER} cannot be loaded: {error}", field="model") from error
