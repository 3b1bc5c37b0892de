"""The parts of Model Garden's models in its experiment files, for an architecture."""

from __future__ import annotations

from typing import Any

from search_space.architecture import EXPANSION, KERNEL, Architecture
from search_space.catalogue import architecture_for
from search_space.detector import ASPECT_RATIOS, BN_EPSILON, FUSION_EPSILON, MAX_DETECTIONS, NMS_IOU
from search_space.document import BlockSpecification, block_specification
from search_space.networks.retinanet import LEVELS
from search_space.proxy_task import ProxyTask

Document = dict[str, Any]

MODEL_GARDEN_RATIOS = [1 / ratio for ratio in ASPECT_RATIOS]
"""Model Garden's ratios are width over height; in this order its anchors are ours, in our order."""


def model_garden_classes(specification: BlockSpecification) -> int:
    """The number of classes with that of the background, 0, which Model Garden counts.

    Where the classes are unknown, the slots are those of COCO as published, which count it already.
    """
    slots = specification.architecture.class_slots
    return slots if specification.classes is None else slots + 1


def classifier_of(architecture: Architecture) -> Architecture:
    """The network of the paper's classifiers (section 4.2, as the catalogue has them) on this backbone."""
    return architecture_for("classification", architecture)


def pyramid(specification: BlockSpecification, task: ProxyTask) -> Document:
    """What both detectors have."""
    network = specification.architecture
    return {
        "num_classes": model_garden_classes(specification),
        "input_size": [network.input_px, network.input_px, 3],
        "min_level": LEVELS[0],
        "max_level": LEVELS[-1],
        "backbone": backbone(network, task),
        "decoder": {"type": "identity"},
        "norm_activation": normalisation(network, task),
    }


def backbone(network: Architecture, task: ProxyTask, *, averaged: bool = False, weights: str = "") -> Document:
    """The backbone with the values of a recipe; see the fields of the template's `EffSpineNet`."""
    operations = network.operations
    configuration = {
        "blocks": block_specification(BlockSpecification(network, {}))["blocks"],
        "stem_width": network.stem_width,
        "endpoint_width": network.subnet_width,
        "expansion": EXPANSION,
        "kernel": KERNEL,
        "weighted_fusion": operations.weighted_fusion,
        "fusion_epsilon": FUSION_EPSILON,
        "space_to_depth": operations.space_to_depth,
        "squeeze_excitation": operations.squeeze_excitation,
        "stochastic_depth_drop_rate": task.stochastic_depth if operations.stochastic_depth else 0.0,
        "averaged": averaged,
        "weights": weights,
    }
    return {"type": "eff_spinenet", "eff_spinenet": configuration}


def normalisation(network: Architecture, task: ProxyTask) -> Document:
    """Batch normalisation and the activation."""
    return {
        "activation": network.operations.activation,
        "norm_momentum": task.bn_momentum,
        "norm_epsilon": BN_EPSILON,
        "use_sync_bn": True,
    }


def anchors(scales: int, size: float) -> Document:
    """Anchors of so many scales; `size` is in strides."""
    return {"num_scales": scales, "aspect_ratios": MODEL_GARDEN_RATIOS, "anchor_size": size}


def convolutions(network: Architecture) -> Document:
    """The subnets of Table 2."""
    return {"num_convs": network.subnet_layers, "num_filters": network.subnet_width, "use_separable_conv": True}


def suppression() -> Document:
    """Non-maximum suppression."""
    return {"nms_iou_threshold": NMS_IOU, "max_num_detections": MAX_DETECTIONS}
