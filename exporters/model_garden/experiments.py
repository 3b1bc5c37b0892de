"""The experiment files of Model Garden: the paper's trainings of this backbone for its four tasks.

Each is the document that `--config_file` takes. The values of the trainings are those of the recipes `paper`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from exporters.model_garden.models import (
    Document,
    anchors,
    backbone,
    classifier_of,
    convolutions,
    normalisation,
    pyramid,
    suppression,
)
from search_space.catalogue import SEGMENTATION_PX
from search_space.detector import (
    BOX_LOSS_WEIGHT,
    FOCAL_ALPHA,
    FOCAL_GAMMA,
    HUBER_DELTA,
    OCTAVE_SCALES,
    POSITIVE_IOU,
    PROPOSAL_ANCHOR_SIZE,
    SCORE_THRESHOLD,
)
from search_space.document import BlockSpecification
from search_space.networks.dense_prediction import IMAGENET_CLASSES, PASCAL_VOC_CLASSES
from search_space.networks.mask_rcnn import BOX_CROP, MASK_CROP
from search_space.networks.retinanet import LEVELS
from search_space.proxy_task import EXPONENTIAL_DECAY, EXPONENTIAL_DECAYS, RMSPROP_EPSILON, STEP_DECAYS, ProxyTask
from search_space.recipes import RECIPES as DETECTION_RECIPES
from search_space.task_recipes import COCO_TRAIN_IMAGES, IMAGENET_TRAIN_IMAGES, RECIPES

VOC_TRAIN_IMAGES = 10_582

EVALUATION_BATCH = 8


def experiments(specification: BlockSpecification) -> dict[str, Document]:
    """The documents by the name of their file, without its suffix."""
    makers: dict[str, Callable[[BlockSpecification], Document]] = {
        "retinanet": _retinanet,
        "maskrcnn": _mask_rcnn,
        "classification": _classification,
        "segmentation": _segmentation,
    }
    return {name: make(specification) for name, make in makers.items()}


def _retinanet(specification: BlockSpecification) -> Document:
    network, recipe = specification.architecture, DETECTION_RECIPES["paper"]
    task = recipe.task_for(COCO_TRAIN_IMAGES)
    rates = _stepwise(task, list(recipe.decays(COCO_TRAIN_IMAGES)))
    model = {
        **pyramid(specification, task),
        "anchor": anchors(len(OCTAVE_SCALES), specification.anchor_size),
        "head": convolutions(network),
        "detection_generator": {**suppression(), "pre_nms_score_threshold": SCORE_THRESHOLD},
    }
    losses = {
        "focal_loss_alpha": FOCAL_ALPHA,
        "focal_loss_gamma": FOCAL_GAMMA,
        "huber_loss_delta": HUBER_DELTA,
        "box_loss_weight": int(BOX_LOSS_WEIGHT),
        "l2_weight_decay": task.weight_decay,
    }
    parser = {"match_threshold": POSITIVE_IOU, "unmatched_threshold": POSITIVE_IOU, **_augmentation(task)}
    return _experiment(
        {"model": model, "losses": losses, **_data(task, {"parser": parser}, {})},
        _trainer(task, rates, COCO_TRAIN_IMAGES, recipe.evaluate_epochs),
    )


def _mask_rcnn(specification: BlockSpecification) -> Document:
    network, recipe = specification.architecture, RECIPES["instance-segmentation"]["paper"]
    task = recipe.training
    rates = _stepwise(task, [(math.ceil(part * task.steps), factor) for part, factor in STEP_DECAYS])
    subnets = convolutions(network)
    model = {
        **pyramid(specification, task),
        "include_mask": True,
        "anchor": anchors(1, PROPOSAL_ANCHOR_SIZE),
        "rpn_head": {**subnets, "num_convs": 1},
        "detection_head": {**subnets, "num_fcs": 1, "fc_dims": recipe.regions(network).dense_width},
        "mask_head": subnets,
        "roi_generator": {"num_proposals": recipe.proposals, "test_num_proposals": recipe.proposals},
        "roi_sampler": {"num_sampled_rois": recipe.sampled_regions},
        "roi_aligner": {"crop_size": BOX_CROP},
        "mask_roi_aligner": {"crop_size": MASK_CROP},
        "detection_generator": {**suppression(), "max_num_detections": recipe.detections},
    }
    parser = {"rpn_batch_size_per_im": recipe.sampled_anchors, **_augmentation(task)}
    return _experiment(
        {
            "model": model,
            "losses": {"l2_weight_decay": task.weight_decay},
            **_data(task, {"parser": parser}, {"drop_remainder": False}),
        },
        _trainer(task, rates, COCO_TRAIN_IMAGES, DETECTION_RECIPES["paper"].evaluate_epochs),
    )


def _classification(specification: BlockSpecification) -> Document:
    recipe = RECIPES["classification"]["paper"]
    task, network = recipe.training, classifier_of(specification.architecture)
    rates = {
        "type": "exponential",
        "exponential": {
            "initial_learning_rate": task.peak_learning_rate,
            "decay_steps": round(task.steps / EXPONENTIAL_DECAYS),
            "decay_rate": EXPONENTIAL_DECAY,
            "staircase": True,
        },
    }
    model = {
        "num_classes": IMAGENET_CLASSES,
        "input_size": [network.input_px, network.input_px, 3],
        "backbone": backbone(network, task, averaged=True),
        "norm_activation": normalisation(network, task),
        "dropout_rate": recipe.dropout,
    }
    shared = {
        "decode_jpeg_only": False,
        "center_crop_fraction": network.input_px / (network.input_px + recipe.crop_padding_px),
        "tf_resize_method": "bicubic",
    }
    training = {**shared, "aug_rand_hflip": task.flip, "crop_area_range": [recipe.smallest_crop, 1.0]}
    losses = {"one_hot": True, "label_smoothing": recipe.label_smoothing, "l2_weight_decay": task.weight_decay}
    return _experiment(
        {"model": model, "losses": losses, **_data(task, training, shared)},
        _trainer(task, rates, IMAGENET_TRAIN_IMAGES),
    )


def _segmentation(specification: BlockSpecification) -> Document:
    recipe = RECIPES["semantic-segmentation"]["paper"]
    task, network = recipe.training, replace(specification.architecture, input_px=SEGMENTATION_PX)
    rates = {
        "type": "cosine",
        "cosine": {
            "initial_learning_rate": task.peak_learning_rate,
            "decay_steps": task.steps - task.warmup_steps,
            "offset": task.warmup_steps,
        },
    }
    size = [network.input_px, network.input_px]
    model = {
        "num_classes": PASCAL_VOC_CLASSES,
        "input_size": [*size, 3],
        "min_level": LEVELS[0],
        "max_level": LEVELS[-1],
        "backbone": backbone(network, task, averaged=True, weights="model.safetensors"),
        "decoder": {"type": "identity"},
        "head": {
            "level": LEVELS[0],
            "num_convs": network.subnet_layers,
            "num_filters": network.subnet_width,
            "use_depthwise_convolution": True,
        },
        "norm_activation": normalisation(network, task),
    }
    validation = {"output_size": size, "resize_eval_groundtruth": True, "drop_remainder": False}
    return _experiment(
        {
            "model": model,
            "losses": {"l2_weight_decay": task.weight_decay},
            **_data(task, {"output_size": size, **_augmentation(task)}, validation),
        },
        _trainer(task, rates, VOC_TRAIN_IMAGES),
    )


def _augmentation(task: ProxyTask) -> Document:
    return {"aug_rand_hflip": task.flip, "aug_scale_min": task.scale_min, "aug_scale_max": task.scale_max}


def _data(task: ProxyTask, training: Document, validation: Document) -> Document:
    shared = {"dtype": task.precision}
    return {
        "train_data": {
            "input_path": "data/train*",
            "is_training": True,
            "global_batch_size": task.batch_size,
            **shared,
            **training,
        },
        "validation_data": {
            "input_path": "data/val*",
            "is_training": False,
            "global_batch_size": EVALUATION_BATCH,
            **shared,
            **validation,
        },
    }


def _stepwise(task: ProxyTask, decays: list[tuple[int, float]]) -> Document:
    """The rates of the schedule `step`; a boundary of Keras is the last step before its decay."""
    peak = task.peak_learning_rate
    values = [peak, *(peak * factor for _, factor in decays)]
    return {"type": "stepwise", "stepwise": {"boundaries": [first - 1 for first, _ in decays], "values": values}}


def _trainer(task: ProxyTask, rates: Document, images: int, evaluate_epochs: int = 1) -> Document:
    """The schedule on a data set of so many images; warm-up starts at the rate of our first step."""
    epoch = images // task.batch_size
    optimizer: Document = {"type": task.optimizer, task.optimizer: {"momentum": task.momentum}}
    if task.optimizer == "rmsprop":
        optimizer["rmsprop"] |= {"rho": task.second_moment_decay, "epsilon": RMSPROP_EPSILON}
    first = task.peak_learning_rate / task.warmup_steps
    configuration: Document = {
        "optimizer": optimizer,
        "learning_rate": rates,
        "warmup": {
            "type": "linear",
            "linear": {"warmup_steps": task.warmup_steps, "warmup_learning_rate": first},
        },
    }
    if task.ema_decay:
        configuration["ema"] = {"average_decay": task.ema_decay, "trainable_weights_only": False}
    return {
        "train_steps": task.steps,
        "validation_steps": -1,
        "validation_interval": epoch * evaluate_epochs,
        "steps_per_loop": epoch,
        "summary_interval": epoch,
        "checkpoint_interval": epoch,
        "optimizer_config": configuration,
    }


def _experiment(task: Document, trainer: Document) -> Document:
    return {"task": task, "trainer": trainer}
