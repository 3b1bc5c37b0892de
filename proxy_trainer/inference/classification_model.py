"""A classifier, as `effspine evaluate` and `effspine predict` run it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from proxy_trainer.data.files_digest import files_identity
from proxy_trainer.data.image_folder import ImageFolder, central_square, load_image_folder
from proxy_trainer.data.images import load_upright_image
from proxy_trainer.data.task_layouts import check_layout
from proxy_trainer.inference.folder_split import folder_split, is_held_out
from proxy_trainer.inference.prediction import Found, Prediction, drawn
from proxy_trainer.inference.runnable import Predicted, PredictOptions, Progress, Report, Scored
from proxy_trainer.tasks.classifier import Classifier, accuracies, is_among_best
from proxy_trainer.tasks.inference_ops import loaded_ops
from search_space.errors import InvalidValueError
from search_space.task_model import TaskModel

TOP = 5
"""The number of classes that a prediction reports."""


class ClassificationModel:
    """A `Runnable`."""

    def __init__(self, path: Path, model: TaskModel, threads: int) -> None:
        self._path, self._model = path, model
        self._names = [str(each["name"]) for each in model.classes]
        self._classifier = Classifier(model.network, loaded_ops(model.tensors))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="crops")

    def evaluate(self, data: Path, split: str, cache_dir: Path, progress: Progress) -> Report:
        """Top-1 and top-5 accuracy on central crops, and the top-1 accuracy of each class.

        Classes are matched by name; an image of a class that the model does not know counts as wrong.
        """
        check_layout(data, "classification")
        folder = load_image_folder(data)
        images = folder_split(split, folder.train, folder.val)
        labels = self._slots(folder, data)[images.labels]
        identity = files_identity(images.paths, (), data)
        held_out = is_held_out(self._model, identity)
        began = time.monotonic()
        logits = self._classifier.logits_on(images, self._model.crop_padding_px, self._pool, progress)
        seconds = time.monotonic() - began
        metrics = accuracies(logits, labels)
        rows = _class_rows(folder.classes, images.labels, is_among_best(logits, labels, 1))
        return Scored(
            task="classification",
            path=self._path,
            name=self._model.name,
            where=data / split,
            data={"data": str(data), "images": len(images), "files_sha256": identity["files_sha256"]},
            is_held_out=held_out,
            figures=metrics,
            columns=("images", "top1"),
            classes=rows,
            seconds=seconds,
        ).report()

    def predict(self, picture: Path, options: PredictOptions) -> Predicted:
        """The most probable classes, and the picture with the first of them."""
        pixels = load_upright_image(picture)
        crop = central_square(pixels, self._classifier.image_px, self._model.crop_padding_px)
        probabilities = _softmax(self._classifier.logits(crop[None])[0])
        best = np.argsort(-probabilities, kind="stable")[: TOP if options.top is None else options.top]
        lowest = options.score or 0.0
        labels: list[dict[str, Any]] = [
            {"class": int(slot), "name": self._names[slot], "probability": round(float(probabilities[slot]), 4)}
            for slot in best
            if probabilities[slot] >= lowest
        ]
        height, width = pixels.shape[:2]
        document = {"image": str(picture), "width": width, "height": height, "labels": labels}
        lines = [f"{each['name']} {each['probability']:.4f}" for each in labels]

        whole = (0.0, 0.0, float(width), float(height))
        first = tuple(Found(whole, each["probability"], each["class"], each["name"]) for each in labels[:1])
        summary = f"most likely {first[0].name}" if first else f"no class with a probability of {lowest:g} or more"
        return Predicted(document, summary, lines, lambda: {"drawn": drawn(Prediction(picture, pixels, first))})

    def _slots(self, folder: ImageFolder, data: Path) -> npt.NDArray[np.int32]:
        """The class slot of the model for each class of the data, -1 for one that it does not know."""
        slots = {name: slot for slot, name in enumerate(self._names)}
        found = np.array([slots.get(name, -1) for name in folder.classes], np.int32)
        if (found < 0).all():
            raise InvalidValueError(
                f"no class of the model, such as {self._names[0]!r}, is a class of {data}, such as "
                f"{folder.classes[0]!r}",
                field="model",
            )
        return found


def _class_rows(
    names: tuple[str, ...], labels: npt.NDArray[np.int32], is_right: npt.NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Each class of the data: name, images, and top-1 accuracy (None without images)."""
    images = np.bincount(labels, minlength=len(names)).tolist()
    right = np.bincount(labels[is_right], minlength=len(names)).tolist()
    return [
        {"name": name, "images": count, "top1": hits / count if count else None}
        for name, count, hits in zip(names, images, right, strict=True)
    ]


def _softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    shifted = np.exp(np.asarray(logits, np.float64) - logits.max())
    probabilities: npt.NDArray[np.float64] = shifted / shifted.sum()
    return probabilities
