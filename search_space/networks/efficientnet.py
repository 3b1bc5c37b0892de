"""EfficientNet, the scale-decreased baseline with the same operations: classifier and RetinaNet on its FPN (Table 3).

M. Tan and Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, Table 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from search_space.networks.dense_prediction import IMAGENET_CLASSES
from search_space.networks.feature_pyramid import feature_pyramid
from search_space.networks.layers import Feature, conv_bn, mbconv
from search_space.networks.retinanet import RetinaNetOutputs, Subnets, retinanet_subnets
from search_space.rounding import round_width

if TYPE_CHECKING:
    from search_space.ops import Ops

T = TypeVar("T")

STEM_WIDTH = 32
HEAD_WIDTH = 1280


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first downsamples to the stage's level."""

    level: int
    kernel: int
    expansion: int
    width: int
    repeats: int


STAGES_B0 = (
    Stage(level=1, kernel=3, expansion=1, width=16, repeats=1),
    Stage(level=2, kernel=3, expansion=6, width=24, repeats=2),
    Stage(level=3, kernel=5, expansion=6, width=40, repeats=2),
    Stage(level=4, kernel=3, expansion=6, width=80, repeats=3),
    Stage(level=4, kernel=5, expansion=6, width=112, repeats=3),
    Stage(level=5, kernel=5, expansion=6, width=192, repeats=4),
    Stage(level=5, kernel=3, expansion=6, width=320, repeats=1),
)


@dataclass(frozen=True)
class EfficientNet:
    """One scale: multipliers of width and depth, and the input size of the classifier."""

    name: str
    width_multiplier: float
    depth_multiplier: float
    input_px: int

    def stages(self) -> tuple[Stage, ...]:
        """The stages at this scale: widths rounded to multiples of 8, repeats rounded up."""
        return tuple(
            replace(
                stage,
                width=round_width(self.width_multiplier * stage.width),
                repeats=math.ceil(self.depth_multiplier * stage.repeats),
            )
            for stage in STAGES_B0
        )


EFFICIENTNETS = (
    EfficientNet("EfficientNet-B0", 1.0, 1.0, 224),
    EfficientNet("EfficientNet-B1", 1.0, 1.1, 240),
    EfficientNet("EfficientNet-B2", 1.1, 1.2, 260),
    EfficientNet("EfficientNet-B3", 1.2, 1.4, 300),
    EfficientNet("EfficientNet-B4", 1.4, 1.8, 380),
)


def efficientnet_retinanet(ops: Ops[T], scale: EfficientNet, subnets: Subnets, images: T) -> RetinaNetOutputs[T]:
    """RetinaNet on EfficientNet-FPN, with separable convolutions and a pyramid of the width of its subnets."""
    features = backbone(ops, scale, images)
    levels = {level: features[level] for level in (3, 4, 5)}
    pyramid = feature_pyramid(ops, levels, subnets.width, is_separable=True, activation=subnets.activation)
    return retinanet_subnets(ops, subnets, pyramid)


def efficientnet_classifier(ops: Ops[T], scale: EfficientNet, images: T, classes: int = IMAGENET_CLASSES) -> T:
    """Logits `[batch, 1, 1, classes]` of the classifier (Table 10)."""
    x = backbone(ops, scale, images)[5].tensor
    width = round_width(scale.width_multiplier * HEAD_WIDTH)
    x = conv_bn(ops, x, width, "head", activation="swish")
    return ops.conv(ops.global_pool(x), classes, "classifier", bias=0.0)


def backbone(ops: Ops[T], scale: EfficientNet, images: T) -> dict[int, Feature[T]]:
    """The last feature map of each level, 1 to 5."""
    stages = scale.stages()
    blocks = sum(stage.repeats for stage in stages)
    width, level, number = round_width(scale.width_multiplier * STEM_WIDTH), 1, 0
    x = conv_bn(ops, images, width, "stem", kernel=3, stride=2, activation="swish")
    features: dict[int, Feature[T]] = {}
    for stage in stages:
        for _ in range(stage.repeats):
            number += 1
            x = mbconv(
                ops,
                x,
                width,
                stage.width,
                f"block{number}",
                activation="swish",
                squeezed_width=max(1, width // 4),
                drop_depth=number / blocks,
                expansion=stage.expansion,
                kernel=stage.kernel,
                stride=2 ** (stage.level - level),
            )
            width, level = stage.width, stage.level
        features[level] = Feature(x, level, width)
    return features
