"""A network for semantic segmentation, as `effspine evaluate` and `effspine predict` run it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from proxy_trainer.data.files_digest import files_identity
from proxy_trainer.data.images import load_upright_image
from proxy_trainer.data.label_maps import Confusion, Labels
from proxy_trainer.data.task_layouts import check_layout
from proxy_trainer.data.voc_segmentation import VocSegmentation, load_voc_segmentation
from proxy_trainer.inference.folder_split import folder_split, is_held_out
from proxy_trainer.inference.mask_drawing import label_image, overlaid
from proxy_trainer.inference.runnable import Predicted, PredictOptions, Progress, Report, Scored
from proxy_trainer.tasks.inference_ops import loaded_ops
from proxy_trainer.tasks.segmenter import Segmenter, ious
from search_space.errors import InvalidValueError
from search_space.task_model import TaskModel


class SegmentationModel:
    """A `Runnable`."""

    def __init__(self, path: Path, model: TaskModel, threads: int) -> None:
        self._path, self._model = path, model
        self._names = tuple(str(each["name"]) for each in model.classes)
        self._segmenter = Segmenter(model.network, loaded_ops(model.tensors))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")

    def evaluate(self, data: Path, split: str, cache_dir: Path, progress: Progress) -> Report:
        """The mean IoU, the pixel accuracy and the IoU of each class, at the size of the masks.

        Raises InvalidValueError for data of other classes.
        """
        check_layout(data, "semantic-segmentation")
        voc = load_voc_segmentation(data)
        self._check_classes(voc, data)
        images = folder_split(split, voc.train, voc.val)
        identity = files_identity(images.images, images.masks, data)
        held_out = is_held_out(self._model, identity)
        began = time.monotonic()
        confusion = self._segmenter.confusion_on(images, self._pool, progress)
        seconds = time.monotonic() - began
        metrics = {name: value for name, value in ious(confusion, self._names).items() if not name.startswith("iou_")}
        rows = _class_rows(self._names, confusion)
        return Scored(
            task="semantic-segmentation",
            path=self._path,
            name=self._model.name,
            where=f"the split {split} of {data}",
            data={"data": str(data), "images": len(images), "files_sha256": identity["files_sha256"]},
            is_held_out=held_out,
            figures=metrics,
            columns=("pixels", "iou"),
            classes=rows,
            seconds=seconds,
        ).report()

    def predict(self, picture: Path, options: PredictOptions) -> Predicted:
        """The share of each class, the picture under its classes, and the classes of the pixels as a palette PNG."""
        options.refuse("semantic-segmentation", "score", "top")
        pixels = load_upright_image(picture)
        (labels,) = self._segmenter.labels([pixels])
        height, width = labels.shape
        classes = _shares(labels, self._names)
        document = {"image": str(picture), "width": width, "height": height, "classes": classes}
        lines = [f"{each['name']} {100 * each['share']:.1f} % of the pixels" for each in classes]
        count = f"{len(classes)} class" + ("es" if len(classes) > 1 else "")
        return Predicted(
            document,
            count,
            lines,
            lambda: {"drawn": overlaid(pixels, labels, self._names), "mask": label_image(labels, len(self._names))},
        )

    def _check_classes(self, voc: VocSegmentation, data: Path) -> None:
        if voc.classes != self._names:
            raise InvalidValueError(
                f"the classes of the model are {_brief(self._names)}; those of {data} are {_brief(voc.classes)}. "
                "They must be the same in the same order",
                field="model",
            )


def _class_rows(names: tuple[str, ...], confusion: Confusion) -> list[dict[str, Any]]:
    """Each class: name, true pixels, and IoU (None for one that is neither true nor predicted)."""
    pixels = confusion.counts.sum(axis=1).tolist()
    columns = zip(names, pixels, confusion.iou(), strict=True)
    return [dict(zip(("name", "pixels", "iou"), row, strict=True)) for row in columns]


def _shares(labels: Labels, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The classes in a picture with their pixels, the most frequent first."""
    pixels = np.bincount(labels.ravel(), minlength=len(names))
    order = [slot for slot in np.argsort(-pixels, kind="stable").tolist() if pixels[slot]]
    return [
        {
            "class": slot,
            "name": names[slot],
            "pixels": int(pixels[slot]),
            "share": round(float(pixels[slot] / labels.size), 4),
        }
        for slot in order
    ]


def _brief(names: tuple[str, ...]) -> str:
    """At most four names, for a sentence."""
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
