"""The images that a detector is evaluated on, and the classes of the detector among theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from proxy_trainer.data.coco import CocoSplit
from proxy_trainer.data.coco_directory import find_splits
from proxy_trainer.training.detection_data import DetectionSplits
from proxy_trainer.training.evaluation import Detections
from search_space.document import BlockSpecification
from search_space.errors import InvalidValueError
from search_space.recipes import ALL_IMAGES, RECIPES
from search_space.task_model import TaskModel

Split = Literal["val", "train", "all"]


def scored_split(directory: Path, name: str, training: dict[str, Any] | None) -> CocoSplit:
    """The images of a data set: `val`, those that a training holds out; `train`, those it learns from; or `all`.

    A detector's section `training` has the number of images that are held out where there is no validation split.
    `all` are those of the only annotation file. Raises InvalidValueError for another name, and for `all` where there is
    a validation split, and as `load_dataset`.
    """
    if name not in get_args(Split):
        raise InvalidValueError(f"split is {name!r}; it must be one of {', '.join(get_args(Split))}", field="split")
    if name == "all":
        files, validation = find_splits(directory)
        if validation is not None:
            raise InvalidValueError(
                f"{directory} has a training and a validation split; name one of them, val or train", field="split"
            )
        return files.load()
    held_out = (training or {}).get("reserved_images")
    task = replace(
        RECIPES["paper"].task,
        reserved_images=held_out if isinstance(held_out, int) else ALL_IMAGES,
        reserve_from=(training or {}).get("reserve_from", "val"),
    )
    splits = DetectionSplits.load(directory, task)
    return splits.held_out if name == "val" else splits.train


@dataclass(frozen=True)
class ClassMap:
    """The category of a split for each class slot of a detector, -1 where the split does not have it."""

    categories: tuple[int, ...]

    def applied(self, detections: Detections) -> Detections:
        """The detections by categories of the split, without those of other classes."""
        categories = np.array(self.categories, np.int32)[detections.categories]
        known = categories >= 0
        return Detections(
            detections.images[known], detections.boxes[known], detections.scores[known], categories[known]
        )


def class_map(specification: BlockSpecification | TaskModel, split: CocoSplit) -> ClassMap:
    """The classes of a detector among those of a split, matched by name.

    Those of a detector that does not name its classes are matched in order. Raises InvalidValueError where no class
    has the name of a category, and where classes without names are not as many as the categories.
    """
    classes, names = specification.classes, split.category_names
    if classes is None:
        slots = specification.architecture.class_slots
        if slots != len(names):
            raise InvalidValueError(
                f"the model has {slots} classes without names, and {split.annotations_file} has {len(names)}",
                field="model",
            )
        return ClassMap(tuple(range(slots)))
    places = {name: place for place, name in enumerate(names)}
    found = ClassMap(tuple(places.get(each["name"], -1) for each in classes))
    if all(place < 0 for place in found.categories):
        raise InvalidValueError(
            f"no class of the model, such as {classes[0]['name']!r}, is a category of {split.annotations_file}, such "
            f"as {names[0]!r}",
            field="model",
        )
    return found
