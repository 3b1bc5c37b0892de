"""Writes this detector, its head included, as a checkpoint that `task.init_checkpoint` takes.

python -m eff_spinenet.checkpoint --out=checkpoint
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import tensorflow as tf
import tf_keras
import yaml
from official.core import exp_factory
from official.vision.modeling import factory

import eff_spinenet  # noqa: F401, it registers the experiments
from eff_spinenet.weights import load_retinanet


def retinanet(config_file: Path, weights: Path) -> tf_keras.Model:
    """Model Garden's RetinaNet with all weights of this export. Raises ValueError where they do not fit."""
    config = exp_factory.get_exp_config("eff_spinenet_retinanet")
    config.override(yaml.safe_load(config_file.read_text(encoding="utf-8")))
    model_config = config.task.model
    specs = tf_keras.layers.InputSpec(shape=[None, *model_config.input_size])
    model = factory.build_retinanet(specs, model_config)
    model(tf.zeros([1, *model_config.input_size]), training=True)  # it makes the variables of the head
    load_retinanet(model, weights)
    return model


def main() -> int:
    here = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description="Writes this detector as a checkpoint of Model Garden.")
    parser.add_argument("--config_file", type=Path, default=here / "experiments" / "retinanet.yaml")
    parser.add_argument("--weights", type=Path, default=here / "model.safetensors")
    parser.add_argument("--out", type=Path, required=True, help="directory to write")
    options = parser.parse_args()
    model = retinanet(options.config_file, options.weights)
    print(tf.train.Checkpoint(**model.checkpoint_items).write(str(options.out / "ckpt")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
