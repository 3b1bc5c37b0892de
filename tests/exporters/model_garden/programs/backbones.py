"""Builds exported backbones through Model Garden's factory and stores what they compute.

backbones.py CASE...    each has `model/` and `images.npy`; `outputs.npz` is written

The features of each level in inference and in training, without and with static sizes, and with batch normalisation
that is synchronised; the running statistics after a training step; and the number of trainable parameters.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras
import yaml

assert importlib.util.find_spec("search_space") is None, "effspine can be imported"
cases = [Path(argument) for argument in sys.argv[1:]]
sys.path.insert(0, str(cases[0] / "model"))

from official.core import exp_factory  # noqa: E402
from official.vision.modeling.backbones import factory  # noqa: E402

from eff_spinenet.weights import variables_of  # noqa: E402


def built(case: Path, experiment: str, size: list[int | None], **changes: object) -> tf_keras.Model:
    """The backbone of an experiment of a folder, with its weights and without stochastic depth."""
    config = exp_factory.get_exp_config(f"eff_spinenet_{experiment}")
    config.override(yaml.safe_load((case / "model" / "experiments" / f"{experiment}.yaml").read_text()))
    model = config.task.model
    weights = str(case / "model" / "model.safetensors")
    model.backbone.eff_spinenet.override({"stochastic_depth_drop_rate": 0.0, "weights": weights})
    model.norm_activation.override(changes)
    specs = tf_keras.layers.InputSpec(shape=[None, *size, 3])
    return factory.build_backbone(specs, model.backbone, model.norm_activation)


def features(model: tf_keras.Model, images: tf.Tensor, *, training: bool) -> dict[str, np.ndarray]:
    return {level: each.numpy() for level, each in model(images, training=training).items()}


for case in cases:
    images = tf.constant(np.load(case / "images.npy"))
    size = list(images.shape[1:3])
    model = built(case, "retinanet", size)
    found = {"params": np.array(sum(int(np.prod(each.shape)) for each in model.trainable_variables))}
    models = {
        "static": model,
        "dynamic": built(case, "retinanet", [None, None]),
        "unsynchronised": built(case, "retinanet", size, use_sync_bn=False),
        "averaged": built(case, "segmentation", size),
        "copied": type(model).from_config(model.get_config()),
    }
    models["copied"].set_weights(model.get_weights())
    for name, each in models.items():
        for mode in ("inference", "training"):
            for level, feature in features(each, images, training=mode == "training").items():
                found[f"{name}/{mode}/{level}"] = feature
    for level, shape in model.output_specs.items():
        found[f"shape/{level}"] = np.array(shape[1:])
    found |= {f"after/{name}": variable.numpy() for name, variable in variables_of(model).items()}
    np.savez(case / "outputs.npz", **found)
