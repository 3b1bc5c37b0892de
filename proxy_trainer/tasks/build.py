"""The trainee of each task, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy_trainer.tasks.classification import Classification
from proxy_trainer.tasks.fixed_network import FixedTrainee, TaskOptions
from proxy_trainer.tasks.fpn_detection import FpnDetection
from proxy_trainer.tasks.instance_segmentation import InstanceSegmentation
from proxy_trainer.tasks.segmentation import Segmentation
from search_space.catalogue import Task

TRAINEES: dict[Task, Callable[[TaskOptions], FixedTrainee[Any]]] = {
    "detection": FpnDetection,
    "instance-segmentation": InstanceSegmentation,
    "classification": Classification,
    "semantic-segmentation": Segmentation,
}


def build_trainee(options: TaskOptions) -> FixedTrainee[Any]:
    """The trainee for the task of the options' recipe.

    TensorFlow must have been configured (`proxy_trainer.engine.runtime.start`). Raises DataError and its kinds where
    the data cannot be used, and InvalidValueError for a model of another task.
    """
    return TRAINEES[options.recipe.task](options)
