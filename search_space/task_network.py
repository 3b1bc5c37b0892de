"""The network of a task for a number of classes: of an architecture, or one of the networks that the paper compares it
with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from search_space.architecture import Architecture, Operations
from search_space.catalogue import FPN_SUBNETS, TASKS, Model, Task
from search_space.cost import network_parameters
from search_space.errors import InvalidValueError
from search_space.networks.dense_prediction import classification, segmentation
from search_space.networks.efficientnet import EFFICIENTNETS, efficientnet_classifier, efficientnet_retinanet
from search_space.networks.mask_rcnn import Regions, mask_rcnn
from search_space.networks.residual import PYRAMID_SUBNETS, resnet_retinanet, spinenet_retinanet
from search_space.networks.retinanet import Subnets, retinanet
from search_space.parameters import Parameter
from search_space.proxy_task import ProxyTask

BACKGROUND_CLASSES: dict[Task, int] = {
    "detection": 0,
    "instance-segmentation": 1,
    "classification": 0,
    "semantic-segmentation": 0,
}
"""Outputs of a network beyond the classes of the data: the softmax of Mask R-CNN has class 0 for the background. The
background of semantic segmentation is a class of the data.
"""


@dataclass(frozen=True)
class Baseline:
    """One of the networks that the paper compares with, by its name in the catalogue.

    Every backbone width is multiplied by `width_multiplier`. `subnet_width` and `subnet_layers` are those of the class
    and the box subnet; a classifier has none.
    """

    name: str
    input_px: int
    class_slots: int
    width_multiplier: float = 1.0
    subnet_width: int = 0
    subnet_layers: int = 0


@dataclass(frozen=True)
class TaskNetwork:
    """The network of a task: a function of `Ops` (`RegionOps` for instance segmentation) and images.

    `regions` is that of Mask R-CNN, None for the other tasks.
    """

    task: Task
    source: Architecture | Baseline
    regions: Regions | None = None

    def __call__(self, ops: Any, images: Any) -> Any:
        """The raw predictions for normalised images `[batch, height, width, 3]`."""
        if isinstance(self.source, Baseline):
            return _BASELINES[self.source.name](ops, self.source, images)
        if self.task == "classification":
            return classification(ops, self.source, images, self.source.class_slots)
        if self.task == "semantic-segmentation":
            return segmentation(ops, self.source, images, self.source.class_slots)
        if self.task == "instance-segmentation":
            return mask_rcnn(ops, self.source, images, self.regions)
        return retinanet(ops, self.source, images)

    @property
    def outputs(self) -> int:
        """The number of class outputs, a background class included where the network has one."""
        return self.source.class_slots

    def parameters(self) -> list[Parameter]:
        """Every parameter, in the order of their use."""
        return network_parameters(self, self.source.input_px)

    def to_dict(self) -> dict[str, Any]:
        """The network as JSON values; the inverse of `read_task_network`."""
        key = "baseline" if isinstance(self.source, Baseline) else "architecture"
        regions = None if self.regions is None else asdict(self.regions)
        return {"task": self.task, key: asdict(self.source), "regions": regions}


def read_task_network(document: dict[str, Any]) -> TaskNetwork:
    """The network in a document of `TaskNetwork.to_dict`.

    Raises InvalidValueError for a value out of range and KeyError or TypeError for a document of another form.
    """
    if document["task"] not in TASKS:
        raise InvalidValueError(f"task is {document['task']!r}; it must be one of {', '.join(TASKS)}", field="task")
    regions = document["regions"] and Regions(**document["regions"])
    if "baseline" in document:
        baseline = Baseline(**document["baseline"])
        _check_baseline(baseline.name)
        return TaskNetwork(document["task"], baseline, regions)
    found = dict(document["architecture"])
    found["operations"] = Operations(**found["operations"])
    for name in ("widths", "repeats"):
        found[name] = tuple(found[name])
    return TaskNetwork(document["task"], Architecture(**found), regions)


def task_network(
    model: Model | Architecture, task: Task, recipe: ProxyTask, classes: int, regions: Regions | None = None
) -> TaskNetwork:
    """The network of a model or an architecture for data of `classes` classes, at the scale of a recipe.

    The recipe gives the image size, the multiplier of the backbone's widths, and the subnets; `regions` are those of
    Mask R-CNN. A model of the catalogue keeps its own task. Raises InvalidValueError for a model of another task, and
    for one that is neither a scale-permuted network nor one of the baselines.
    """
    slots = classes + BACKGROUND_CLASSES[task]
    architecture = model if isinstance(model, Architecture) else model.architecture
    if isinstance(model, Model) and model.task != task:
        raise InvalidValueError(f"{model.name} is a network for {model.task}; it cannot be trained for {task}")
    if architecture is None:
        _check_baseline(model.name)
        return TaskNetwork(task, _baseline(model.name, recipe, slots))
    regions = (regions or Regions()) if task == "instance-segmentation" else None
    return TaskNetwork(task, recipe.architecture(architecture, slots), regions)


def published_scale(model: Model | Architecture, recipe: ProxyTask) -> ProxyTask:
    """The recipe at the scale of a model as it was published: its own image size, widths and subnets."""
    architecture = model if isinstance(model, Architecture) else model.architecture
    recipe = replace(recipe, width_multiplier=1.0, width_divisor=1, image_px=model.input_px)
    if architecture is None:
        subnets = baseline_subnets(model.name)
        if subnets is None:
            return recipe
        return replace(recipe, subnet_width=subnets.width, subnet_layers=subnets.layers)
    return replace(recipe, subnet_width=architecture.subnet_width, subnet_layers=architecture.subnet_layers)


def baseline_subnets(name: str) -> Subnets | None:
    """The published subnets of a baseline; None for a classifier."""
    return _SUBNETS.get(name)


def _check_baseline(name: str) -> None:
    if name not in _BASELINES:
        raise InvalidValueError(f"{name!r} is not one of the baselines, {', '.join(_BASELINES)}", field="model")


def _baseline(name: str, recipe: ProxyTask, slots: int) -> Baseline:
    baseline = Baseline(name, recipe.image_px, slots, recipe.width_multiplier)
    if baseline_subnets(name) is None:
        return baseline
    return replace(baseline, subnet_width=recipe.subnet_width, subnet_layers=recipe.subnet_layers)


def _efficientnet(ops: Any, baseline: Baseline, images: Any) -> Any:
    scale = _EFFICIENTNETS[baseline.name.removesuffix("-FPN")]
    scale = replace(scale, width_multiplier=scale.width_multiplier * baseline.width_multiplier)
    if not baseline.subnet_layers:
        return efficientnet_classifier(ops, scale, images, baseline.class_slots)
    return efficientnet_retinanet(ops, scale, _subnets(baseline), images)


def _resnet(ops: Any, baseline: Baseline, images: Any) -> Any:
    return resnet_retinanet(ops, images, _subnets(baseline), baseline.width_multiplier)


def _spinenet(ops: Any, baseline: Baseline, images: Any) -> Any:
    return spinenet_retinanet(ops, images, _subnets(baseline), baseline.width_multiplier)


def _subnets(baseline: Baseline) -> Subnets:
    published = _SUBNETS[baseline.name]
    return replace(
        published, width=baseline.subnet_width, layers=baseline.subnet_layers, class_slots=baseline.class_slots
    )


_EFFICIENTNETS = {scale.name: scale for scale in EFFICIENTNETS[:3]}
"""The scales that the paper compares with, in detection and in classification."""

_SUBNETS = {
    **{f"{name}-FPN": FPN_SUBNETS[key] for name, key in zip(_EFFICIENTNETS, ("D0", "D1", "D2"), strict=True)},
    "ResNet-50-FPN": PYRAMID_SUBNETS,
    "SpineNet-49": PYRAMID_SUBNETS,
}

_BASELINES: dict[str, Callable[[Any, Baseline, Any], Any]] = {
    **{f"{name}-FPN": _efficientnet for name in _EFFICIENTNETS},
    "ResNet-50-FPN": _resnet,
    "SpineNet-49": _spinenet,
    **dict.fromkeys(_EFFICIENTNETS, _efficientnet),
}
