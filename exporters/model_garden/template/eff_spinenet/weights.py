"""Loads the weights of this export, `model.safetensors`, whose names and layouts are those of effspine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from safetensors.numpy import load_file

LEAVES = {
    "depthwise_kernel": "kernel",
    "kernel": "kernel",
    "bias": "bias",
    "gamma": "scale",
    "beta": "offset",
    "moving_mean": "mean",
    "moving_variance": "variance",
    "shares": "weights",
}
"""The last part of our names, by the variable of a Keras layer."""

SEPARABLE = {
    "depthwise_kernel": "depthwise/kernel",
    "pointwise_kernel": "pointwise/kernel",
    "bias": "pointwise/bias",
}
"""The parts of a separable convolution, which is one layer in Model Garden."""

SUBNETS = ("class/", "box/")
"""The parameters of the detector that are not of its backbone."""


def load_backbone(backbone: tf_keras.Model, path: str | Path) -> None:
    """Sets every variable of the backbone.

    Raises ValueError where the file lacks one, has another shape, or has one that the backbone has not.
    """
    tensors = load_file(path)
    _assign(variables_of(backbone), {n: each for n, each in tensors.items() if not n.startswith(SUBNETS)}, path)


def load_retinanet(model: tf_keras.Model, path: str | Path) -> None:
    """Sets every variable of a RetinaNet of Model Garden, except the logits of its background class.

    Raises ValueError where the file is not of this detector.
    """
    load_backbone(model.backbone, path)
    variables = head_variables_of(model.head)
    tensors = {name: each for name, each in load_file(path).items() if name.startswith(SUBNETS)}
    for name in ("class/predict/pointwise/kernel", "class/predict/pointwise/bias"):
        tensors[name] = _with_background(tensors[name], variables[name].numpy(), model.head, path)
    _assign(variables, tensors, path)


def variables_of(backbone: tf_keras.Model) -> dict[str, Any]:
    """The variables of the backbone by their names in the file."""
    return {
        f"{layer.name.replace('.', '/')}/{ours}": getattr(layer, theirs)
        for layer in backbone.layers
        for theirs, ours in LEAVES.items()
        if layer.weights and getattr(layer, theirs, None) is not None
    }


def head_variables_of(head: tf_keras.layers.Layer) -> dict[str, Any]:
    """The variables of Model Garden's RetinaNetHead by their names in the file."""
    layers = {each.name: each for each in head.submodules if isinstance(each, tf_keras.layers.Layer)}
    config = head.get_config()
    found: dict[str, Any] = {}
    for ours, theirs, predictor in (("class", "classnet", "scores"), ("box", "boxnet", "boxes")):
        convolutions = {f"{ours}/predict": layers[predictor]}
        for number in range(config["num_convs"]):
            path = f"{ours}/layer{number + 1}"
            convolutions[path] = layers[f"{theirs}-conv_{number}"]
            for level in range(config["min_level"], config["max_level"] + 1):
                norm = layers[f"{theirs}-conv-norm_{level}_{number}"]
                for name in ("gamma", "beta", "moving_mean", "moving_variance"):
                    found[f"{path}/bn{level}/{LEAVES[name]}"] = getattr(norm, name)
        for path, layer in convolutions.items():
            found |= {f"{path}/{part}": getattr(layer, name) for name, part in SEPARABLE.items()}
    return found


def _with_background(ours: np.ndarray, theirs: np.ndarray, head: tf_keras.layers.Layer, path: str | Path) -> np.ndarray:
    """Values `[..., anchors * slots]` as `[..., anchors * classes]`; the background, class 0, keeps its own."""
    anchors, classes = head.get_config()["num_anchors_per_location"], head.get_config()["num_classes"]
    slots = ours.shape[-1] // anchors
    if classes - slots not in (0, 1):
        raise ValueError(f"{path} has {slots} classes; this model has {classes}, with the background")
    by_class = theirs.reshape(*theirs.shape[:-1], anchors, classes).copy()
    by_class[..., classes - slots :] = ours.reshape(*ours.shape[:-1], anchors, slots)
    return by_class.reshape(theirs.shape)


def _assign(variables: Mapping[str, Any], tensors: Mapping[str, np.ndarray], path: str | Path) -> None:
    for name in sorted(tensors.keys() | variables.keys()):
        found = tuple(tensors[name].shape) if name in tensors else None
        wanted = tuple(variables[name].shape) if name in variables else None
        if found != wanted:
            raise ValueError(f"{path}: {name} has shape {found}; this model has {wanted}")
    for name, variable in variables.items():
        variable.assign(tensors[name])
