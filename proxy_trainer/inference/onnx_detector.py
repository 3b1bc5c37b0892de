"""An export of format `onnx` in onnxruntime: `model.onnx`, from padded pixels to detections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from proxy_trainer.detection_batch import DetectionBatch, Detects
from search_space.errors import InvalidValueError

FILE = "model.onnx"

_INPUTS, _OUTPUTS = ("pixels", "sizes"), ("boxes", "scores", "classes", "count")
_YXYX = [1, 0, 3, 2]


class OnnxDetector:
    """A graph with the inputs `pixels` and `sizes` of `Detects`.

    Its outputs are `boxes` `[batch, n, 4]` (x1, y1, x2, y2), `scores` and `classes` `[batch, n]`, and `count`
    `[batch]`, the number of detections.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections on padded images."""
        inputs: dict[str, Any] = {"pixels": np.ascontiguousarray(pixels), "sizes": np.asarray(sizes, np.int32)}
        boxes, scores, classes, count = self._session.run(_OUTPUTS, inputs)
        return DetectionBatch(boxes[..., _YXYX], scores, np.asarray(classes, np.float32), np.asarray(count, np.int32))


def load(directory: Path, threads: int) -> Detects:
    """The detector in `model.onnx`. Raises InvalidValueError where that is no such graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            str(directory / FILE), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has exceptions of its own for damaged files
        raise InvalidValueError(f"{directory / FILE} cannot be loaded: {error}", field="model") from error
    found = {each.name for each in (*session.get_inputs(), *session.get_outputs())}
    if missing := [name for name in (*_INPUTS, *_OUTPUTS) if name not in found]:
        raise InvalidValueError(
            f"{directory / FILE} has no input or output {', '.join(missing)}; it is not a detector with suppression",
            field="model",
        )
    return OnnxDetector(session)
