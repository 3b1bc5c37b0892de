"""Every model of the paper as a network of this project, with its published multi-adds and parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

from search_space.architecture import Architecture, Operations
from search_space.cost import network_cost
from search_space.networks.dense_prediction import classification, segmentation
from search_space.networks.efficientnet import EFFICIENTNETS, efficientnet_classifier, efficientnet_retinanet
from search_space.networks.mask_rcnn import Regions, mask_rcnn
from search_space.networks.residual import resnet_retinanet, spinenet_retinanet
from search_space.networks.retinanet import Subnets, retinanet
from search_space.published import EFF_SPINENETS, SCALES, SP_EFFICIENTNETS

Task = Literal["detection", "instance-segmentation", "classification", "semantic-segmentation"]

TASKS: tuple[Task, ...] = get_args(Task)

MADDS_TOLERANCE = 0.025
PARAMS_TOLERANCE = 0.012
"""The largest relative differences from the published figures at which counts are considered equal."""


@dataclass(frozen=True)
class Model:
    """A model: its network for square images of `input_px`, and its published figures, if any.

    `network` is a function of `Ops` (`RegionOps` for instance segmentation) and images. `published_madds` are counted
    by a profiler. `note` explains figures that need it. `architecture` is that of a scale-permuted network.
    `dense_width` is the width of the fully connected layer of its box head, if it has one.
    """

    name: str
    task: Task
    input_px: int
    network: Callable[[Any, Any], Any]
    published_madds: float | None
    published_params: float | None
    source: str
    note: str = ""
    architecture: Architecture | None = None
    dense_width: int | None = None


@dataclass(frozen=True)
class ModelRow:
    """The cost of a model as counted here and as published."""

    name: str
    task: Task
    input_px: int
    madds: int
    madds_profiler: int
    params: int
    published_madds: float | None
    published_params: float | None
    source: str
    note: str

    @property
    def madds_difference(self) -> float | None:
        """Profiler multi-adds over the published ones, minus 1; None where none were published."""
        return self.madds_profiler / self.published_madds - 1 if self.published_madds else None

    @property
    def params_difference(self) -> float | None:
        """Parameters over the published ones, minus 1; None where none were published."""
        return self.params / self.published_params - 1 if self.published_params else None

    @property
    def madds_are_off(self) -> bool:
        """Whether the multi-adds differ from the published ones by more than `MADDS_TOLERANCE`."""
        return abs(self.madds_difference or 0.0) > MADDS_TOLERANCE

    @property
    def params_are_off(self) -> bool:
        """Whether the parameters differ from the published ones by more than `PARAMS_TOLERANCE`."""
        return abs(self.params_difference or 0.0) > PARAMS_TOLERANCE

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON values, with the differences in percent."""
        return asdict(self) | {
            "madds_difference_percent": _percent(self.madds_difference),
            "params_difference_percent": _percent(self.params_difference),
        }


def model_rows() -> list[ModelRow]:
    """The cost of every model of the catalogue, in its order."""
    return [_row(model) for model in CATALOGUE]


def _row(model: Model) -> ModelRow:
    cost = network_cost(model.network, model.input_px)
    return ModelRow(
        model.name,
        model.task,
        model.input_px,
        cost.madds,
        cost.madds_profiler,
        cost.params,
        model.published_madds,
        model.published_params,
        model.source,
        model.note,
    )


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 2)


CLASSIFIER_WIDTH = 256
"""Pyramid channels of all classifiers (section 4.2)."""

CLASSIFIER_PX = 224
"""Image size of the classifier of D0, and of architectures without a published one (Table 10)."""

SEGMENTATION_PX = 512
"""Crop size of all segmentation models (section 5.3)."""


def architecture_for(task: Task, architecture: Architecture) -> Architecture:
    """The architecture as the published networks of a task have it (sections 4.2 and 5.3, Table 10).

    Classifiers have 256 pyramid channels and no space-to-depth at their image size; images for segmentation have
    512 px, whatever the scale.
    """
    if task == "classification":
        operations = replace(architecture.operations, space_to_depth=False)
        return replace(architecture, input_px=CLASSIFIER_PX, subnet_width=CLASSIFIER_WIDTH, operations=operations)
    return replace(architecture, input_px=SEGMENTATION_PX) if task == "semantic-segmentation" else architecture


def _network(function: Callable[..., Any], *configuration: Any) -> Callable[[Any, Any], Any]:
    """A network function with its configuration bound: the arguments between operations and images."""
    return lambda ops, images: function(ops, *configuration, images)


INCONSISTENT = "the published parameters do not agree with the other rows (docs/networks.md)"

_D0, _D2 = EFF_SPINENETS["D0"], EFF_SPINENETS["D2"]
FPN_SUBNETS = {key: Subnets(SCALES[key].subnet_width, SCALES[key].subnet_layers) for key in ("D0", "D1", "D2")}
"""The subnets of EfficientNet-FPN, by scale."""


def _detector(
    architecture: Architecture, madds: float | None, params: float | None, source: str, note: str = ""
) -> Model:
    network = _network(retinanet, architecture)
    px = architecture.input_px
    return Model(architecture.name, "detection", px, network, madds, params, source, note, architecture)


def _ablation(
    base: Architecture, name: str, source: str, madds: float | None = None, params: float | None = None, **off: Any
) -> Model:
    operations = Operations(**off)
    return _detector(replace(base, name=f"{base.name} {name}", operations=operations), madds, params, source)


def _one_stage() -> Iterator[Model]:
    published = {"M0": (0.15e9, 0.67e6), "M1": (0.51e9, 0.99e6), "M2": (0.97e9, 2.36e6)}
    for key, (madds, params) in published.items():
        yield _detector(EFF_SPINENETS[key], madds, params, "Table 7")
    yield _detector(_D0, 2.5e9, 3.6e6, "Table 3", INCONSISTENT)
    yield _detector(EFF_SPINENETS["D1"], 6.0e9, 5.2e6, "Table 3")
    yield _detector(_D2, 10.3e9, 6.2e6, "Table 3")
    for key in ("D3", "D4"):
        yield _detector(EFF_SPINENETS[key], None, None, "authors' code", "larger than the models of the paper")
    yield _detector(SP_EFFICIENTNETS[0], 2.4e9, 4.4e6, "Table 8", INCONSISTENT)
    for architecture in SP_EFFICIENTNETS[1:]:
        yield _detector(architecture, None, None, "section 3.1", "compound scaling, no figures published")


def _ablations() -> Iterator[Model]:
    yield _ablation(_D0, "no space-to-depth", "Table 9", 2.4e9, 3.3e6, space_to_depth=False)
    yield _ablation(
        _D0, "no space-to-depth, plain fusion", "Table 9", 2.4e9, 3.3e6,
        space_to_depth=False, weighted_fusion=False,
    )  # fmt: skip
    yield _ablation(_D2, "no squeeze-and-excitation", "Table 4", squeeze_excitation=False)
    yield _ablation(_D2, "with ReLU", "Table 4", activation="relu")
    yield _ablation(_D2, "no stochastic depth", "Table 4", stochastic_depth=False)


def _comparators() -> Iterator[Model]:
    published = {"D0": (2.5e9, 3.7e6), "D1": (5.8e9, 6.3e6), "D2": (10.0e9, 7.5e6)}
    for (key, (madds, params)), scale in zip(published.items(), EFFICIENTNETS, strict=False):
        network = _network(efficientnet_retinanet, scale, FPN_SUBNETS[key])
        name, px = f"{scale.name}-FPN", SCALES[key].input_px
        yield Model(name, "detection", px, network, madds, params, "Table 3")
    yield Model("ResNet-50-FPN", "detection", 640, _network(resnet_retinanet), 96.8e9, 34.0e6, "Table 3")
    yield Model("SpineNet-49", "detection", 640, _network(spinenet_retinanet), 85.4e9, 28.5e6, "Table 3")


DENSE_WIDTHS = {"D0": 256, "D1": 256, "D2": 512}
"""The width of the fully connected layer of Mask R-CNN's box head by scale (section 4.1)."""


def dense_width_of(architecture: Architecture) -> int:
    """That width for any architecture: it is scaled as the subnets are, so that of the scale with subnets as wide."""
    widths = [DENSE_WIDTHS[key] for key in DENSE_WIDTHS if SCALES[key].subnet_width <= architecture.subnet_width]
    return max(widths, default=DENSE_WIDTHS["D0"])


def _two_stage() -> Iterator[Model]:
    published = {"D0": (4.7e9, 4.6e6), "D1": (9.2e9, 6.4e6), "D2": (16.0e9, 9.2e6)}
    for key, (madds, params) in published.items():
        architecture, dense_width = EFF_SPINENETS[key], DENSE_WIDTHS[key]
        network = _network(partial(mask_rcnn, regions=Regions(dense_width)), architecture)
        name = f"{architecture.name} Mask R-CNN"
        yield Model(
            name, "instance-segmentation", architecture.input_px, network, madds, params, "Table 6",
            architecture=architecture, dense_width=dense_width,
        )  # fmt: skip


def _classifiers() -> Iterator[Model]:
    published = {"D0": (0.38e9, 3.57e6, 224), "D1": (0.70e9, 4.97e6, 240), "D2": (0.89e9, 5.83e6, 256)}
    for key, (madds, params, px) in published.items():
        architecture = replace(architecture_for("classification", EFF_SPINENETS[key]), input_px=px)
        network = _network(classification, architecture)
        name = f"{architecture.name} classifier"
        yield Model(name, "classification", px, network, madds, params, "Table 10", architecture=architecture)
    for scale, (madds, params) in zip(EFFICIENTNETS, ((0.39e9, 5.3e6), (0.70e9, 7.8e6), (1.0e9, 9.2e6)), strict=False):
        network = _network(efficientnet_classifier, scale)
        yield Model(scale.name, "classification", scale.input_px, network, madds, params, "Table 10")


def _segmenters() -> Iterator[Model]:
    for key, madds in (("D0", 2.1e9), ("D2", 3.8e9)):
        architecture = architecture_for("semantic-segmentation", EFF_SPINENETS[key])
        name = f"{architecture.name} segmentation"
        network = _network(segmentation, architecture)
        yield Model(
            name, "semantic-segmentation", SEGMENTATION_PX, network, madds, None, "Table 11", architecture=architecture
        )


CATALOGUE: tuple[Model, ...] = (
    *_one_stage(),
    *_ablations(),
    *_comparators(),
    *_two_stage(),
    *_classifiers(),
    *_segmenters(),
)

ARCHITECTURES: dict[str, Architecture] = {
    model.name.lower(): model.architecture
    for model in CATALOGUE
    if model.task == "detection" and model.architecture is not None
}
"""The scale-permuted detectors of the catalogue by name in lower case."""
