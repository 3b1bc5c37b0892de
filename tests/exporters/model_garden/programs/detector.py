"""Runs Model Garden's RetinaNet with all weights of an exported folder, and stores what it predicts and detects.

detector.py FOLDER IMAGES CHECKPOINT OUTPUTS...    the checkpoint is one that `eff_spinenet.checkpoint` has written

The model restores it as the official task does. `anchors` `[anchors, 4]` are Model Garden's, in its order.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import yaml

assert importlib.util.find_spec("search_space") is None, "effspine can be imported"
folder, inputs, checkpoint, outputs = map(Path, sys.argv[1:])
sys.path.insert(0, str(folder))

from official.core import exp_factory, task_factory  # noqa: E402
from official.vision.ops import anchor  # noqa: E402

import eff_spinenet  # noqa: E402, F401

config = exp_factory.get_exp_config("eff_spinenet_retinanet")
config.override(yaml.safe_load((folder / "experiments" / "retinanet.yaml").read_text()))
config.task.override({"init_checkpoint": str(checkpoint), "init_checkpoint_modules": "all"})
config.task.model.backbone.eff_spinenet.stochastic_depth_drop_rate = 0.0
task = task_factory.get_task(config.task)
model = task.build_model()
images = tf.constant(np.load(inputs))
model(images, training=True)
task.initialize(model)
found = {"params": np.array(sum(int(np.prod(each.shape)) for each in model.trainable_variables))}
settings = config.task.model
sizes = tf.tile(tf.constant([images.shape[1:3]], tf.float32), [len(images), 1])
for mode in ("inference", "training"):
    raw = model(images, image_shape=sizes, training=mode == "training")
    for name, values in (("cls_outputs", settings.num_classes), ("box_outputs", 4)):
        flat = [tf.reshape(raw[name][str(level)], [len(images), -1, values]) for level in range(3, 8)]
        found[f"{mode}/{name}"] = tf.concat(flat, axis=1).numpy()
    found |= {name: raw[name].numpy() for name in raw if name.endswith("detections") or name.startswith("detection_")}
generator = anchor.build_anchor_generator(
    min_level=3,
    max_level=7,
    num_scales=settings.anchor.num_scales,
    aspect_ratios=settings.anchor.aspect_ratios,
    anchor_size=settings.anchor.anchor_size,
)
boxes = generator(image_size=tuple(images.shape[1:3]))
found["anchors"] = np.concatenate([np.reshape(boxes[str(level)], [-1, 4]) for level in range(3, 8)])
np.savez(outputs, **found)
