"""Pictures with what is known about them as serialised `tf.train.Example`, in the features that Model Garden reads.

Those of detection are the features of `official.vision.dataloaders.tf_example_decoder`, those of classification and
segmentation the features of `classification_input` and `segmentation_input`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image
from pycocotools import mask as rle

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.deep_pixels import is_deep
from proxy_trainer.data.image_folder import LabelledImages
from proxy_trainer.data.images import Pixels, decode_image, image_content, load_image, read_image_file
from proxy_trainer.data.instance_masks import InstanceMasks
from proxy_trainer.data.voc_segmentation import LabelledPictures, read_labelled

Values = Sequence[bytes] | Sequence[int] | npt.NDArray[np.float32]
"""The values of a feature."""

BACKGROUND_LABELS = 1
"""In records of detection, 0 is the background, so labels begin at 1, in the order of the classes."""

_LARGEST_ID = 2**63 - 1
_KEPT_FORMATS = ("JPEG", "PNG")
_KEPT_MODES = ("RGB", "L")


class Examples(Protocol):
    """The pictures of one split as serialised examples, by index, and the objects that each has."""

    def __len__(self) -> int: ...

    def example(self, index: int) -> tuple[bytes, int]:
        """The example of a picture, and its number of objects. Raises DataError where the picture cannot be used."""
        ...


@dataclass(frozen=True, eq=False)
class DetectionExamples:
    """Objects of a COCO split: with `masks`, those that have an outline, with it and the box around it."""

    split: CocoSplit
    masks: InstanceMasks | None

    def __len__(self) -> int:
        return len(self.split)

    def example(self, index: int) -> tuple[bytes, int]:
        split = self.split
        content = image_content(split, index)
        pixels = decode_image(split, index, content)
        height, width = pixels.shape[:2]
        boxes, rows, features = self._objects(index)
        ymin, xmin, ymax, xmax = boxes.T / np.array([height, width, height, width], np.float32)[:, None]
        return _serialised(
            {
                **_picture(encoded_picture(content, pixels), height, width),
                "image/filename": [split.file_names[index].encode()],
                "image/source_id": [str(self._identifiers[index]).encode()],
                "image/object/bbox/ymin": ymin,
                "image/object/bbox/xmin": xmin,
                "image/object/bbox/ymax": ymax,
                "image/object/bbox/xmax": xmax,
                **features,
            }
        ), len(rows)

    @cached_property
    def _identifiers(self) -> Sequence[int | str]:
        """Numbers, which Model Garden demands: those of the annotation file, or the place of the picture in it."""
        own = self.split.image_ids
        are_numbers = all(isinstance(each, int) and 0 <= each <= _LARGEST_ID for each in own)
        return own if are_numbers else range(1, len(own) + 1)

    def _objects(self, index: int) -> tuple[npt.NDArray[np.float32], list[int], dict[str, Values]]:
        """The boxes [objects, 4] (y1, x1, y2, x2), in the picture and with an area, their indices and features."""
        split, masks = self.split, self.masks
        source: CocoSplit | InstanceMasks = split if masks is None else masks
        of_image = split.box_images if masks is None else masks.images
        first, last = np.searchsorted(of_image, [index, index + 1]).tolist()
        if masks is None:
            x, y, width, height = split.boxes[first:last].T
            corners = np.stack([y, x, y + height, x + width], axis=1)
        else:
            corners = masks.boxes[first:last]
        limits = np.tile(split.sizes[index], 2)
        inside = np.clip(corners, 0, limits).astype(np.float32)
        kept = np.all(inside[:, 2:] > inside[:, :2], axis=1)
        rows = (np.flatnonzero(kept) + first).tolist()
        labels = source.categories[rows] + BACKGROUND_LABELS
        features: dict[str, Values] = {
            "image/object/class/label": labels.tolist(),
            "image/object/class/text": [split.category_names[each].encode() for each in source.categories[rows]],
            "image/object/area": source.areas[rows].astype(np.float32),
            "image/object/is_crowd": source.crowd[rows].astype(int).tolist(),
        }
        if masks is not None:
            features["image/object/mask"] = [_png(rle.decode(masks.encoded[row])) for row in rows]
        return inside[kept], rows, features


@dataclass(frozen=True, eq=False)
class ClassificationExamples:
    """Pictures with one label each, from 0."""

    pictures: LabelledImages

    def __len__(self) -> int:
        return len(self.pictures)

    def example(self, index: int) -> tuple[bytes, int]:
        path, label = self.pictures.paths[index], int(self.pictures.labels[index])
        pixels = load_image(path)
        picture = _picture(encoded_picture(read_image_file(path), pixels), *pixels.shape[:2])
        return _serialised({**picture, "image/class/label": [label]}), 1


@dataclass(frozen=True, eq=False)
class SegmentationExamples:
    """Pictures with a class per pixel, 255 where it is ignored."""

    pictures: LabelledPictures
    classes: int

    def __len__(self) -> int:
        return len(self.pictures)

    def example(self, index: int) -> tuple[bytes, int]:
        pixels, labels = read_labelled(self.pictures, index, self.classes)
        picture = _picture(encoded_picture(read_image_file(self.pictures.images[index]), pixels), *pixels.shape[:2])
        found = len(np.setdiff1d(labels, [0, 255]))
        return _serialised({**picture, "image/segmentation/class/encoded": [_png(labels)]}), found


def encoded_picture(content: bytes, pixels: Pixels) -> bytes:
    """The content of an image file where TensorFlow decodes it to these pixels; elsewhere the pixels as PNG.

    TensorFlow reads neither all formats that Pillow does nor CMYK, ignores EXIF, and cuts 16 bits to the upper 8.
    """
    with Image.open(io.BytesIO(content)) as image:
        if (
            image.format in _KEPT_FORMATS
            and image.mode in _KEPT_MODES
            and not is_deep(image)
            and (image.height, image.width) == pixels.shape[:2]
        ):
            return content
    return _png(pixels)


def _picture(encoded: bytes, height: int, width: int) -> dict[str, Values]:
    return {"image/encoded": [encoded], "image/height": [height], "image/width": [width]}


def _png(values: npt.NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(content, "PNG")
    return content.getvalue()


def _serialised(features: dict[str, Values]) -> bytes:
    """The example; a feature of whole numbers, floats or bytes is known by the type of its first value."""
    message = tf.train.Example()
    for name, values in features.items():
        feature = message.features.feature[name]
        if len(values) == 0:
            continue
        if isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        elif isinstance(values[0], int):
            feature.int64_list.value.extend(values)
        else:
            feature.float_list.value.extend(values)
    serialised: bytes = message.SerializeToString(deterministic=True)
    return serialised
