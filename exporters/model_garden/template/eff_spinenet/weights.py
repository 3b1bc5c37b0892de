"""Loads the weights of this export, `model.safetensors`, whose names and layouts are those of effspine."""

from __future__ import annotations

from pathlib import Path

import tf_keras
from safetensors.numpy import load_file

LEAVES = {
    "kernel": ("depthwise_kernel", "kernel"),
    "bias": ("bias",),
    "scale": ("gamma",),
    "offset": ("beta",),
    "mean": ("moving_mean",),
    "variance": ("moving_variance",),
    "weights": ("shares",),
}
"""The variables of Keras layers, by the last part of our names."""

SUBNETS = ("class/", "box/")
"""The parameters of the detector that are not of its backbone."""


def load_backbone(backbone: tf_keras.Model, path: str | Path) -> None:
    """Sets every variable of the backbone.

    Raises ValueError where the file lacks one, has another shape, or has one that the backbone has not.
    """
    tensors = {name: values for name, values in load_file(path).items() if not name.startswith(SUBNETS)}
    variables = variables_of(backbone)
    for name in sorted(tensors.keys() | variables.keys()):
        found = tuple(tensors[name].shape) if name in tensors else None
        wanted = tuple(variables[name].shape) if name in variables else None
        if found != wanted:
            raise ValueError(f"{path}: {name} has shape {found}; this backbone has {wanted}")
    for name, variable in variables.items():
        variable.assign(tensors[name])


def variables_of(backbone: tf_keras.Model) -> dict[str, object]:
    """The variables by their names in the file."""
    found = {}
    for layer in backbone.layers:
        for ours, theirs in LEAVES.items():
            for name in theirs:
                if layer.weights and getattr(layer, name, None) is not None:
                    found.setdefault(f"{layer.name.replace('.', '/')}/{ours}", getattr(layer, name))
    return found
