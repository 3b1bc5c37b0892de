"""Maps with a class per pixel: resized like their pictures, seen through the views of training, and scored by mIoU."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from proxy_trainer.data.images import Pixels, resize_and_pad, resized_size
from proxy_trainer.data.views import Views
from proxy_trainer.data.voc_segmentation import IGNORED

Labels = npt.NDArray[np.uint8]


def resize_labelled(pixels: Pixels, labels: Labels, image_px: int) -> tuple[Pixels, Labels]:
    """A picture as by `resize_and_pad`, and its labels, those of the nearest pixels; padding is IGNORED."""
    padded = np.full((image_px, image_px), IGNORED, np.uint8)
    height, width = resized_size(labels.shape[0], labels.shape[1], image_px)
    padded[:height, :width] = resize_labels(labels, (height, width))
    return resize_and_pad(pixels, image_px)[0], padded


def resize_labels(labels: Labels, size: tuple[int, int]) -> Labels:
    """The labels of the nearest pixels at another size (height, width)."""
    return np.asarray(Image.fromarray(labels).resize((size[1], size[0]), Image.Resampling.NEAREST))


def view_labels(labels: Labels, views: Views, index: int) -> Labels:
    """View `index` of labels `[px, px]`: those of the nearest pixels, IGNORED outside."""
    px = len(labels)
    (rows, row_inside), (columns, column_inside) = (
        _sources(px, float(views.origin[index, axis]), float(views.scale[index])) for axis in (0, 1)
    )
    seen = labels[rows[:, None], columns[None, :]]
    seen = np.where(row_inside[:, None] & column_inside[None, :], seen, np.uint8(IGNORED))
    return seen[:, ::-1] if views.flipped[index] else seen


def _sources(px: int, origin: float, scale: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The source position of each pixel along one axis, and whether it is inside."""
    at = np.floor((np.arange(px) + 0.5 + origin) / scale).astype(np.intp)
    inside: npt.NDArray[np.bool_] = (at >= 0) & (at < px)
    return np.clip(at, 0, px - 1), inside


class Confusion:
    """Counts of pixels by true and predicted class, over any number of images."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self.counts: npt.NDArray[np.int64] = np.zeros((classes, classes), np.int64)

    def add(self, truth: Labels, predicted: Labels) -> None:
        """Counts the pixels of one image; those with the true label IGNORED are left out."""
        counted = truth != IGNORED
        pairs = truth[counted].astype(np.int64) * self._classes + predicted[counted]
        self.counts += np.bincount(pairs, minlength=self._classes**2).reshape(self.counts.shape)

    def iou(self) -> list[float | None]:
        """The intersection over union of each class; None for one that is neither true nor predicted anywhere."""
        shared = np.diagonal(self.counts)
        union = self.counts.sum(axis=0) + self.counts.sum(axis=1) - shared
        return [float(s / u) if u else None for s, u in zip(shared.tolist(), union.tolist(), strict=True)]

    def mean_iou(self) -> float:
        """The mean over the classes that have one (M. Everingham et al., Pascal VOC). There must be a counted pixel."""
        return float(np.mean([value for value in self.iou() if value is not None]))

    def accuracy(self) -> float:
        """The share of pixels whose class is predicted."""
        return float(np.trace(self.counts) / self.counts.sum())
