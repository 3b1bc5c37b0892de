"""An export of format `pytorch` in PyTorch, by the Python modules in its folder, which are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy_trainer.detection_batch import DetectionBatch, Detects
from proxy_trainer.inference.folder_modules import folder_module
from search_space.detector import MAX_DETECTIONS
from search_space.errors import InvalidValueError

_YXYX = [1, 0, 3, 2]


class PytorchDetector:
    """The `RetinaNet` of the folder, which takes normalised images and gives boxes, scores and labels of each."""

    def __init__(self, torch: Any, model: Any) -> None:
        self._torch = torch
        self._model = model

    def detect(self, pixels: npt.NDArray[np.uint8], sizes: npt.NDArray[np.int32]) -> DetectionBatch:
        """Detections on padded images."""
        images = self._model.normalise(self._torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2))
        for image, (height, width) in zip(images, sizes.tolist(), strict=True):
            image[:, height:] = 0
            image[:, :, width:] = 0
        with self._torch.inference_mode():
            found = self._model(images)
        batch = len(pixels)
        boxes, scores, classes = (np.zeros((batch, MAX_DETECTIONS, *rest), np.float32) for rest in ((4,), (), ()))
        valid = np.zeros(batch, np.int32)
        for row, each in enumerate(found):
            count = valid[row] = min(len(each["scores"]), MAX_DETECTIONS)
            boxes[row, :count] = each["boxes"].numpy()[:count, _YXYX]
            scores[row, :count], classes[row, :count] = each["scores"][:count], each["labels"][:count]
        return DetectionBatch(boxes, scores, classes, valid)


def load(directory: Path, threads: int) -> Detects:
    """The detector of a folder. Raises InvalidValueError without PyTorch, and where the folder cannot be loaded."""
    try:
        import torch
    except ImportError as error:
        raise InvalidValueError(
            f"{directory} is a PyTorch export, and PyTorch is not installed here; install it (pip install torch), or "
            "run predict.py of the folder where it is",
            field="model",
        ) from error
    torch.set_num_threads(threads)
    try:
        model = folder_module(directory, "retinanet").load(directory)
    except Exception as error:
        raise InvalidValueError(f"{directory} cannot be loaded: {error}", field="model") from error
    return PytorchDetector(torch, model)
